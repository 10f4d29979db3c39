"""What a person sees in the terminal: progress while it runs, a calm summary at the end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.exit_codes import FAILED, HELD
from warehouse.declarations import Severity, SourceDeclaration

if TYPE_CHECKING:
    from rich.progress import TaskID

    from flows.outcomes import NightOutcome, PortalOutcome
    from flows.steps import Judged
    from publish.portals import Change
    from warehouse.findings import Finding

_STYLE = {
    "loaded": "green",
    "released": "green",
    "unchanged": "dim",
    "waiting": "dim",
    "late": "yellow",
    "held": "yellow",
    "failed": "red",
}
_SEVERITY_STYLE = {
    Severity.CRITICAL: "bold red",
    Severity.ERROR: "red",
    Severity.WARNING: "yellow",
    Severity.INFO: "dim",
}


_UNCUT = 100_000  # columns: a log or a pipe has no width, so nothing is cut or folded to fit one
_COARSE_UNITS = ("windows", "datasets")  # of which a log is told one by one


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNCUT
    return console


class Terminal:
    """Progress on stderr: bars while it runs, gone at the end; where stderr is no terminal, a log line a step.

    Steps run side by side and tell their progress from threads of their own.
    """

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        console = Console(file=sys.stderr, highlight=False)
        self._is_watched = console.is_terminal
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[amount]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not self._is_watched,
        )
        self._tasks: dict[str, TaskID] = {}
        self._untotalled: set[str] = set()
        self._growing: set[str] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Terminal:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def progress(self, step: str, done: float = 0, total: float | None = None, unit: str = "") -> None:
        """Show a step. One that begins without amounts takes the place of those without amounts before it."""
        with self._lock:
            if self._is_watched:
                self._show(step, done, total, unit)
            else:
                self._log(step, done, total, unit)

    def _show(self, step: str, done: float, total: float | None, unit: str) -> None:
        if total is None and not done:
            for name in self._untotalled - {step}:
                self._bars.remove_task(self._tasks.pop(name))
            self._untotalled.intersection_update({step})
        name = unit if unit in _COARSE_UNITS else step  # the next window or dataset goes on in the same line
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task("", total=total, amount="")
        if total is None:
            self._untotalled.add(name)
        else:
            self._untotalled.discard(name)
        self._bars.update(
            self._tasks[name],
            description=escape(step),
            completed=done,
            total=total,
            amount=_so_far(done, total, unit),
        )
        if total and done >= total:
            self._bars.remove_task(self._tasks.pop(name))

    def _log(self, step: str, done: float, total: float | None, unit: str) -> None:
        """A line when a step begins; of coarse work (windows, datasets) a line a part."""
        if total and unit in _COARSE_UNITS:
            if done < total:
                _print_log(f"{step}, {done + 1:,.0f} of {_amount(total, unit)}")
            return
        if step not in self._growing:
            _print_log(step)
        if total and done >= total:
            self._growing.discard(step)
        elif total or done:
            self._growing.add(step)


def _print_log(text: str) -> None:
    print(datetime.now(UTC).isoformat(timespec="seconds"), text, file=sys.stderr, flush=True)


def _so_far(done: float, total: float | None, unit: str) -> str:
    if not total:
        return _amount(done, unit) if done else ""
    return f"{_amount(done, 'bytes') if unit == 'bytes' else f'{done:,.0f}'} of {_amount(total, unit)}"


def _amount(number: float, unit: str) -> str:
    if unit == "bytes":
        return f"{number / 1e6:,.1f} MB"
    return f"{number:,.0f} {unit}".strip()


def print_night(outcome: NightOutcome) -> None:
    """The summary of a night: sources, datasets, where to look, what needs somebody."""
    console = _console()
    table = Table(title=f"{outcome.kind.capitalize()} of {outcome.day}", title_justify="left", expand=False)
    table.add_column("", overflow="fold")  # in a narrow terminal a name is folded, not cut
    for column in ("state", "data of"):
        table.add_column(column, no_wrap=True)
    for column in ("rows", "added", "changed", "gone", "held", "warnings"):
        table.add_column(column, justify="right", no_wrap=True)
    for source in outcome.sources:
        loads = source.snapshot.tables.values() if source.snapshot else ()
        is_loaded = source.state == "loaded"
        table.add_row(
            escape(source.name),
            _state(source.state),
            source.snapshot.data_date.isoformat() if source.snapshot else "",
            _number(sum(load.accepted for load in loads) if loads else None),
            _number(sum(load.added for load in loads) if is_loaded else None),
            _number(sum(load.changed for load in loads) if is_loaded else None),
            _number(sum(load.vanished for load in loads) if is_loaded else None),
            _number(sum(load.quarantined for load in loads) or None),
            _number(source.counts.get(Severity.WARNING) or None),
        )
    table.add_section()
    for dataset in outcome.datasets:
        is_new = dataset.state == "released"
        table.add_row(
            escape(dataset.name),
            _state(dataset.state),
            dataset.version or "",
            _number(dataset.rows),
            _number(dataset.added if is_new else None),
            _number(dataset.changed if is_new else None),
            _number(dataset.removed if is_new else None),
            "",
            "",
        )
    console.print(table)
    told = [(one.name, one.state, one.message) for one in outcome.sources]
    told += [(one.name, one.state, one.message) for one in outcome.datasets]
    for name, state, message in told:
        if message:
            console.print(f"  {escape(name)}: {escape(message)}", style=_STYLE.get(state, ""))
    for source in outcome.sources:
        if source.notice:
            console.print(f"  {escape(source.name)}: {escape(source.notice)}", style="yellow")
        if source.due and source.state != "late":  # being late is its message
            console.print(f"  {escape(source.name)}: newer data were due by {source.due}", style="yellow")
        if source.stale_since:
            console.print(f"  {escape(source.name)}: the data of {source.stale_since} stand in", style="yellow")
    portal_lines(outcome.portal, console)
    for source in outcome.sources:
        if source.annotated:
            console.print(f"Workbook  {escape(source.annotated)}", soft_wrap=True)
    if outcome.report:
        console.print(f"Report    {escape(outcome.report)}", soft_wrap=True)
    if outcome.run_id is None and not outcome.portal.writes and outcome.exit_code not in (HELD, FAILED):
        console.print("Nothing to do: everything is as it was.", style="dim")
    elif outcome.exit_code == HELD:
        console.print("Something is held or late: see the report.", style="yellow")


def portal_lines(outcome: PortalOutcome, console: Console | None = None) -> None:
    """Where the portal is, and what could not be written to it."""
    console = console or _console()
    place = outcome.address
    if not place.startswith("http") and Path(place, "index.html").exists():
        place = str(Path(place, "index.html"))
    console.print(f"Portal    {escape(place)}", soft_wrap=True)
    for dataset, problem in outcome.problems.items():
        console.print(f"  {escape(dataset)}: {escape(problem)}", style="red")


def _state(state: str) -> str:
    return f"[{_STYLE.get(state, 'default')}]{state}[/]"


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def print_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of one shape as a table."""
    console = _console()
    if not rows:
        console.print(f"{title}: none", style="dim")
        return
    table = Table(title=title, title_justify="left")
    for column in rows[0]:
        is_number = any(isinstance(row[column], int) for row in rows)
        table.add_column(column.replace("_", " "), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)


def _cell(value: Any) -> str:
    return "" if value is None else _number(value) if isinstance(value, int) else escape(str(value))


def changes_table(portal: str, changes: Sequence[Change]) -> None:
    """What publishing would change."""
    console = _console()
    if not changes:
        console.print(f"{escape(portal)} shows what it should: nothing to change.")
        return
    table = Table(title=f"Would change on {escape(portal)}", title_justify="left")
    for column in ("dataset", "action", "what", "why"):
        table.add_column(column)
    for change in changes:
        table.add_row(*(escape(text) for text in (change.dataset, change.action, change.target, change.detail)))
    console.print(table)


Headers = Mapping[tuple[str | None, str | None, str], str]


def header_texts(files: Sequence[Path], declaration: SourceDeclaration) -> Headers:
    """What stands over a column in a person's own file, by file, sheet and declared name."""
    from warehouse.sheets import SheetError, match_tables, open_book, shown_value

    texts: dict[tuple[str | None, str | None, str], str] = {}
    for path in files if declaration.kind == "workbook" else ():
        try:
            book = open_book(path, declaration.tables)
        except SheetError:
            continue  # then no finding names a column
        for match in match_tables(book, declaration.tables).tables:
            if match.header:
                cells = match.sheet.rows[match.header.row]
                for name, column in match.header.columns.items():
                    if column in cells:
                        texts[path.name, match.sheet.name, name] = shown_value(cells[column].value)
    return texts


def findings_table(
    file: Path,
    source: SourceDeclaration,
    judged: Judged,
    found: Sequence[Finding],
    headers: Headers,
    annotated: Path | None,
    limit: int = 50,
) -> None:
    """What a check found, worst first, in the words of the file: its sheets, its headers."""
    console = _console()
    if found:
        table = Table(title=f"{escape(file.name)} as {escape(source.title)}", title_justify="left")
        for column in ("severity", "where", "column", "value", "what is wrong", "what to do"):
            table.add_column(column, overflow="fold")
        for one in found[:limit]:
            cells = (_where(one, source), _header(one, source, headers), one.value or "", one.message, one.help)
            table.add_row(f"[{_SEVERITY_STYLE[one.severity]}]{one.severity}[/]", *(escape(text) for text in cells))
        console.print(table)
        if len(found) > limit:
            console.print(f"... and {len(found) - limit:,} more", style="dim")
    console.print(f"{judged.verdict.value}: {escape(_would_go_on(judged, source))}.")
    if annotated:
        console.print(f"Annotated workbook: {escape(str(annotated))}", soft_wrap=True)


def _would_go_on(judged: Judged, source: SourceDeclaration) -> str:
    if judged.verdict.value == "held" or judged.staged is None:
        return "nothing of it would go on"
    rows = judged.staged.rows
    good = (
        f"{judged.accepted.get(table.name, 0):,} of {rows[table.name]:,} {table.title}"
        for table in source.tables
        if table.name in rows
    )
    return f"{', '.join(good)} would go on"


def _where(finding: Finding, source: SourceDeclaration) -> str:
    titles = {table.name: table.title for table in source.tables}
    place = finding.sheet or titles.get(finding.table_name or "") or finding.file or ""
    return f"{place} row {finding.row_number}" if finding.row_number else place


def _header(finding: Finding, source: SourceDeclaration, headers: Headers) -> str:
    """The column as its owner knows it: the header's own text, else the declared title."""
    name = finding.column_name
    if not name:
        return ""
    declared = {(table.name, field.name): field.title for table in source.tables for field in table.fields}
    text = headers.get((finding.file, finding.sheet, name))
    return text or declared.get((finding.table_name or "", name), name)


def print_status(found: Mapping[str, Any]) -> None:
    """The status of a home."""
    console = _console()
    console.print(f"Home      {escape(found['home'])}", soft_wrap=True)
    console.print(f"Last run  {found['last_run'] or 'none yet'}  {found['last_run_finished'] or ''}")
    if found["report"]:
        console.print(f"Report    {escape(found['report'])}", soft_wrap=True)
    looks = ", ".join(f"{name} {look}" for name, look in found["last_look"].items() if look)
    if looks:
        console.print(f"Looked at {escape(looks)}")
    if found["held"]:
        print_table("Needs somebody", found["held"])
    elif found["last_run"]:
        console.print("Nothing is held.", style="green")
