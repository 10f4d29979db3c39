"""What follows by subtraction alone, one cell after another, and whether parts and whole agree."""

from __future__ import annotations

from collections.abc import Iterator

from publish.disclosure.verifying.equations import Equation, Together
from publish.disclosure.verifying.published import Cell, Fault, Table


def subtract(system: Together, known: dict[Cell, int]) -> Iterator[Fault]:
    """Work out what follows, cell by cell, and tell what is wrong.

    Args:
        system: tables with suppressed cells.
        known: the counts that are published; those that follow are added.
    """
    open_equations = list(system.equations)
    while True:
        remaining = []
        progress = False
        for equation in open_equations:
            unknown = [cell for cell in (equation.whole, *equation.parts) if cell not in known]
            if len(unknown) > 1:
                remaining.append(equation)
            elif unknown:
                progress = True
                yield from _follows(system, equation, unknown[0], known)
            else:
                yield from _agrees(system, equation, known)
        open_equations = remaining
        if not progress:
            return


def _follows(system: Together, equation: Equation, cell: Cell, known: dict[Cell, int]) -> Iterator[Fault]:
    """The one cell of an equation that is not known."""
    shown = sum(known[part] for part in equation.parts if part in known)
    count = shown if cell == equation.whole else known[equation.whole] - shown
    known[cell] = max(count, 0)
    table = system.homes[cell]
    if count < 0:
        yield table.fault("margins", cell, f"the other parts over {equation.column} are more than the whole")
    elif count:
        how = "from its parts" if cell == equation.whole else "from the total and the other parts"
        yield follows(table, cell, count, f"{how} over {equation.column}")


def follows(table: Table, cell: Cell, count: int, how: str) -> Fault:
    """That a suppressed count follows: of few, which is a fault, or of many, which protects nobody."""
    if count < table.stated.threshold:
        return table.fault("follows", cell, f"it is suppressed, and follows {how}")
    why = f"it is suppressed to no purpose: it follows {how}, and is no count of few"
    return table.fault("void", cell, why)


def _agrees(system: Together, equation: Equation, known: dict[Cell, int]) -> Iterator[Fault]:
    if sum(known[part] for part in equation.parts) != known[equation.whole]:
        why = f"it is not the sum of its parts over {equation.column}"
        yield system.homes[equation.whole].fault("margins", equation.whole, why)
