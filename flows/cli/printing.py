"""What a person reads in the terminal at the end: a calm summary, tables, findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.exit_codes import FAILED, HELD
from flows.outcomes import drift_in_words
from warehouse.declarations import Severity

if TYPE_CHECKING:
    from flows.outcomes import DatasetOutcome, NightOutcome, PortalOutcome, SourceOutcome
    from publish.disclosure.verifying import Checked, Fault, Verified

_STYLE = {
    "loaded": "green",
    "released": "green",
    "unchanged": "dim",
    "waiting": "dim",
    "held back": "dim",
    "late": "yellow",
    "held": "yellow",
    "failed": "red",
}
_UNCUT = 100_000  # columns: a log or a pipe has no width, so nothing is cut or folded to fit one


def console_of() -> Console:
    """Where people read; as wide as need be where nobody watches."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNCUT
    return console


def print_night(outcome: NightOutcome) -> None:
    """The summary of a night: sources, datasets, where to look, what needs somebody."""
    console = console_of()
    table = Table(title=f"{outcome.kind.capitalize()} of {outcome.day}", title_justify="left", expand=False)
    table.add_column("", overflow="fold")  # in a narrow terminal a name is folded, not cut
    for column in ("state", "data of"):
        table.add_column(column, no_wrap=True)
    for column in ("rows", "added", "changed", "gone", "held", "warnings"):
        table.add_column(column, justify="right", no_wrap=True)
    rows = [_source_row(source) for source in outcome.sources], [_dataset_row(one) for one in outcome.datasets]
    for part in rows:
        for row in part:
            table.add_row(*row)
        table.add_section()
    console.print(table)
    for style, line in _told(outcome):
        console.print(f"  {escape(line)}", style=style)
    portal_lines(outcome.portal, console)
    for name, place in _places(outcome):
        console.print(f"{name:<10}{escape(place)}", soft_wrap=True)
    if outcome.run_id is None and not outcome.portal.writes and outcome.exit_code not in (HELD, FAILED):
        console.print("Nothing to do: everything is as it was.", style="dim")
    elif outcome.exit_code == HELD:
        console.print("Something is held or late: see the report.", style="yellow")


def _places(outcome: NightOutcome) -> Iterator[tuple[str, str]]:
    for source in outcome.sources:
        if source.annotated:
            yield "Workbook", source.annotated
    if outcome.report:
        yield "Report", outcome.report


def _source_row(source: SourceOutcome) -> tuple[str, ...]:
    loads = source.snapshot.tables.values() if source.snapshot else ()
    is_loaded = source.state == "loaded"
    return (
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


def _dataset_row(dataset: DatasetOutcome) -> tuple[str, ...]:
    is_new = dataset.state == "released"
    return (
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


def _told(outcome: NightOutcome) -> Iterator[tuple[str, str]]:
    """What is said of sources and datasets below the table, each line with its style."""
    listed: list[SourceOutcome | DatasetOutcome] = [*outcome.sources, *outcome.datasets]
    for one in listed:
        if one.message:
            yield _STYLE.get(one.state, ""), _said_of(one.name, one.message)
    for source in outcome.sources:
        if source.notice:
            yield "yellow", f"{source.name}: {source.notice}"
        if source.due and source.state != "late":  # being late is its message
            yield "yellow", f"{source.name}: newer data were due by {source.due}"
        if source.stale_since:
            yield "yellow", f"{source.name}: the data of {source.stale_since} stand in"
    for name, versions in outcome.pruned.items():
        yield "dim", f"{name}: no longer kept, as its entry says: {', '.join(versions)}"
    if outcome.not_pruned:
        yield "yellow", f"no version was deleted: {outcome.not_pruned}"


def portal_lines(outcome: PortalOutcome, console: Console | None = None) -> None:
    """Where the portal is, what it did not take or was not given, and what somebody changed there by hand."""
    console = console or console_of()
    place = outcome.address
    if not place.startswith("http") and Path(place, "index.html").exists():
        place = str(Path(place, "index.html"))
    console.print(f"Portal    {escape(place)}", soft_wrap=True)
    for told in _published(outcome):
        console.print(f"  {escape(told)}", soft_wrap=True)
    for dataset, problem in outcome.problems.items():
        console.print(f"  {escape(_said_of(dataset, problem))}", style="red", soft_wrap=True)
    for dataset in outcome.holds:
        for why in outcome.held(dataset):
            told = f"{dataset} is held on the portal. {why}"
            console.print(f"  {escape(told)}", style="yellow", soft_wrap=True)
    for dataset, found in outcome.drift.items():
        for drift in found:
            told = f"{dataset}, changed by hand on the portal: {drift_in_words(drift)}"
            console.print(f"  {escape(told)}", soft_wrap=True)
    for part, datasets in _by_what_is_told(outcome.unsent).items():
        named = datasets[0] if len(datasets) == 1 else f"{len(datasets)} datasets"
        console.print(f"  {escape(named)}, not sent: {escape(part)}", style="dim", soft_wrap=True)


def _said_of(name: str, message: str) -> str:
    """A message with the name of what it is about in front, once."""
    return f"{name}: {message.removeprefix(f'{name}: ')}"


def _by_what_is_told(told: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The datasets of which the same is said; ``plan`` says it of each."""
    found: dict[str, list[str]] = {}
    for dataset, parts in told.items():
        for part in parts:
            found.setdefault(part, []).append(dataset)
    return found


def _published(outcome: PortalOutcome) -> Iterator[str]:
    """What was changed on the portal, dataset by dataset; that it was nothing is said too."""
    for dataset, count in outcome.published.items():
        if count:
            yield f"{dataset}: published, {'1 thing' if count == 1 else f'{count:,} things'} changed"
    if outcome.published and not any(outcome.published.values()) and not outcome.problems:
        yield "nothing to change"


def _state(state: str) -> str:
    return f"[{_STYLE.get(state, 'default')}]{state}[/]"


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def print_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of one shape as a table."""
    console = console_of()
    if not rows:
        console.print(f"{escape(title)}: none", style="dim")
        return
    table = Table(title=escape(title), title_justify="left")
    for column in rows[0]:
        is_number = any(isinstance(row[column], int) for row in rows)
        table.add_column(column.replace("_", " "), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)


def sources_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """The sources as a table that fits a terminal; ``--json`` has all that is known of them."""
    shown = ("source", "state", "cadence", "data_of", "due_by", "rows")
    look = "last look (UTC)"
    print_table(
        "Sources", [{**{name: row[name] for name in shown}, look: _minute(row["last_look"])} for row in rows]
    )


def datasets_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """The datasets as a table that fits a terminal; ``--json`` has all that is known of them."""
    shown = ("dataset", "state", "latest", "rows", "releases")
    print_table(
        "Datasets", [{**{name: row[name] for name in shown}, "from": _counted(row["sources"])} for row in rows]
    )


def _minute(moment: str | None) -> str | None:
    """A moment in UTC to the minute, of an ISO 8601 text."""
    return moment and moment[:16].replace("T", " ")


def _counted(names: str) -> str:
    """A name as it is, of several (with commas between them) how many there are."""
    return f"{names.count(',') + 1} sources" if "," in names else names


def _cell(value: Any) -> str:
    return "" if value is None else _number(value) if isinstance(value, int) else escape(str(value))


def held_back_lines(reasons: Mapping[str, str]) -> None:
    """Which datasets are not published because they are about people, and why."""
    for name, why in reasons.items():
        console_of().print(f"  {escape(name)}: {escape(why)}", style=_STYLE["held back"], soft_wrap=True)


def print_status(found: Mapping[str, Any]) -> None:
    """The status of a home."""
    console = console_of()
    console.print(f"Home      {escape(found['home'])}", soft_wrap=True)
    console.print(f"Last run  {found['last_run'] or 'none yet'}  {found['last_run_finished'] or ''}")
    if found["report"]:
        console.print(f"Report    {escape(found['report'])}", soft_wrap=True)
    looks = sorted(look for look in found["last_look"].values() if look)
    if looks:
        when = looks[0] if looks[0] == looks[-1] else f"{looks[0]} to {looks[-1]}"
        console.print(f"Looked at {len(looks)} of {len(found['last_look'])} sources, {when}", soft_wrap=True)
    if found["held"]:
        print_table("Needs somebody", found["held"])
    elif found["last_run"]:
        console.print("Nothing is held.", style="green")
    if found["edited_by_hand"]:
        print_table("Changed by hand on the portal", found["edited_by_hand"])
    if found["allowed"]:
        print_table("Allowed on the portal", found["allowed"])


def print_verified(folder: Path, found: Verified, limit: int = 50) -> None:
    """What was checked in a folder of public files, and what is wrong."""
    console = console_of()
    if not found.datasets and not found.unreadable:
        console.print(f"{escape(str(folder))}: no release in it says that it counts people", soft_wrap=True)
    for checked in found.datasets:
        console.print(escape(_checked_in_words(checked)), soft_wrap=True)
        for remark in checked.remarks[:limit]:
            console.print(f"  {escape(remark)}", style="dim", soft_wrap=True)
        if len(checked.remarks) > limit:
            console.print(f"  ... and {len(checked.remarks) - limit:,} more", style="dim")
    _faults_table([fault for checked in found.datasets for fault in checked.faults], limit, console)
    for unreadable in found.unreadable:
        console.print(f"Not checked: {escape(unreadable)}", style="red", soft_wrap=True)
    if found.is_good:
        console.print("Nothing is wrong.", style="green")


def _faults_table(faults: Sequence[Fault], limit: int, console: Console) -> None:
    if not faults:
        return
    table = Table(title="What is wrong", title_justify="left")
    for column in ("dataset", "version", "of", "cell", "why"):
        table.add_column(column, overflow="fold")
    for one in faults[:limit]:
        cells = (one.dataset, one.version, one.period, one.cell or "all together", one.why)
        table.add_row(*(escape(text) for text in cells))
    console.print(table)
    if len(faults) > limit:
        console.print(f"... and {len(faults) - limit:,} more", style="dim")


def _checked_in_words(checked: Checked) -> str:
    versions = checked.versions
    which = versions[0] if len(versions) == 1 else f"{len(versions)} versions, {versions[0]} to {versions[-1]}"
    counted = [(checked.tables, "table"), (checked.cells, "cell"), (checked.equations, "equation")]
    tables, cells, equations = (f"{number:,} {word}{'' if number == 1 else 's'}" for number, word in counted)
    return f"{checked.dataset} ({which}): {tables}, {cells}, {checked.suppressed:,} suppressed, {equations}"
