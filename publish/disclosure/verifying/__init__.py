"""What anybody can check of how people are protected, from a release's public files alone.

It knows no declaration, no warehouse and nothing of how cells were chosen or audited: a folder's descriptions say
what is counted and what the rule is, and the rows are held to it. What needs the true counts (which population the
publisher's witnesses are, what one person alone in a cell could learn) is not asked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from publish.disclosure.verifying.describing import UnreadableError
from publish.disclosure.verifying.published import Fault as Fault
from publish.disclosure.verifying.published import Table, Version
from publish.disclosure.verifying.reading import descriptions, read_version


@dataclass
class Checked:
    """What was checked of a dataset, and what was found.

    Args:
        dataset: its name.
        versions: in their order.
        tables, cells, suppressed: how many, of all versions together.
        equations: how many sums were worked out, each once for what its tables show.
        faults: what breaks the rule that the description states.
        remarks: what does not, and is worth knowing.
    """

    dataset: str
    versions: list[str] = field(default_factory=list)
    tables: int = 0
    cells: int = 0
    suppressed: int = 0
    equations: int = 0
    faults: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Verified:
    """What was checked in a folder. ``unreadable`` is what could not be, in words."""

    datasets: tuple[Checked, ...]
    unreadable: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether something was checked, all that is there, and no fault was found."""
        return bool(self.datasets) and not self.unreadable and not any(one.faults for one in self.datasets)


def verify(folder: Path) -> Verified:
    """Check every release below a folder that says that it counts people."""
    versions: dict[tuple[str, str], Version] = {}
    unreadable: list[str] = []
    try:
        for path in descriptions(folder):
            try:
                version = read_version(path)
            except UnreadableError as error:
                unreadable.append(str(error))
                continue
            if version is None:
                continue
            same = versions.setdefault((version.dataset, version.version), version)
            if same != version:
                unreadable.append(f"{path}: another folder has this version with other rows")
    except UnreadableError as error:
        unreadable.append(str(error))
    ordered = sorted(versions.values(), key=lambda one: (one.order, one.dataset))
    return Verified(tuple(_checked(ordered)), tuple(unreadable))


def _checked(versions: Sequence[Version]) -> Iterable[Checked]:
    found = {name: Checked(name) for name in sorted({one.dataset for one in versions})}
    for one in versions:
        checked = found[one.dataset]
        checked.versions.append(one.version)
        checked.tables += len(one.tables)
        checked.cells += sum(len(table.cells) for table in one.tables)
        checked.suppressed += sum(shown.count is None for table in one.tables for shown in table.cells.values())
        _note(found, one.faults)
    _check_states(found, versions)
    _check_changes(found, versions)
    return found.values()


def _note(found: dict[str, Checked], faults: Iterable[Fault]) -> None:
    for fault in faults:
        checked = found[fault.dataset]
        if fault.is_grave:
            checked.faults.append(fault)
        else:
            remark = f"version {fault.version}, {fault.period}, {fault.cell or 'everybody'}: {fault.why}"
            checked.remarks.append(remark)


def _check_states(found: dict[str, Checked], versions: Sequence[Version]) -> None:
    """Solve what stood published at any time, all tables of a population and period together, each state once."""
    from publish.disclosure.verifying.solving import solve

    seen: set[int] = set()  # hashes: what they are of may be large
    for tables in _states(versions):
        content = hash(tuple(table.content for table in tables))
        if content in seen:
            continue
        seen.add(content)
        solved = solve(tables)
        found[tables[0].dataset].equations += solved.equations
        _note(found, solved.faults)
        for table in tables:
            place = f"version {table.version}, {', '.join(table.period)}"
            found[table.dataset].remarks += [f"{place}: {remark}" for remark in solved.remarks]


def _states(versions: Sequence[Version]) -> Iterator[list[Table]]:
    """The tables of one population and period that stood beside each other, after every version."""
    standing: dict[str, dict[object, Table]] = {}
    for version in versions:
        standing[version.dataset] = {table.identity: table for table in version.tables}
        for identity in standing[version.dataset]:
            yield [tables[identity] for _, tables in sorted(standing.items()) if identity in tables]


def _check_changes(found: dict[str, Checked], versions: Sequence[Version]) -> None:
    from publish.disclosure.verifying.versions import changes_by_few

    by_identity: dict[object, list[Table]] = {}
    for version in versions:
        for table in version.tables:
            by_identity.setdefault(table.identity, []).append(table)
    for tables in by_identity.values():
        _note(found, changes_by_few(tables))
