"""The coordinator's report: one page a run that says what was published, what was held, and what to do about it.

The page is written for somebody who keeps a workbook, not for somebody who runs programs: the verdict comes
first, errors stand apart from suggestions, and checks that found nothing are listed too, so that "no finding"
is something one can see. It is one file without scripts or anything to fetch, and opens from a disk.

Whatever came from outside (values, file names, messages, even titles) is hostile here: characters that cannot
be seen are made visible, long texts are cut, everything is escaped where it is written, and an address becomes
a link only if it is http(s) or relative. Nothing depends on the clock, so the same content gives the same page.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from warehouse.declarations import (
    DatasetDeclaration,
    FieldDeclaration,
    Privacy,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    normalised,
)
from warehouse.findings import WITHHELD, Finding
from warehouse.home import write_atomically
from warehouse.ledger import SnapshotRecord, TableLoad, Verdict
from warehouse.releases import Release

_TEMPLATES = Path(__file__).parent / "templates"
_LONGEST_VALUE = 200
_LONGEST_TEXT = 700
_PLACES_SHOWN = 8  # of one broken rule; the others are folded away
_POINTS_PLOTTED = 24
_MONTHS = {  # not strftime: its names depend on the machine's language
    1: "January", 2: "February", 3: "March", 4: "April", 5: "May", 6: "June", 7: "July", 8: "August",
    9: "September", 10: "October", 11: "November", 12: "December",
}  # fmt: skip

_TO_MEND = (Severity.CRITICAL, Severity.ERROR)


@dataclass(frozen=True)
class SourceSection:
    """What became of a source in this run."""

    declaration: SourceDeclaration
    snapshot: SnapshotRecord | None  # the newest snapshot judged, None: never pulled
    state: str  # "loaded", "unchanged", "late", "waiting", "held", "failed"
    message: str  # why it failed or was held; may be empty
    stale_since: date | None  # data date of the last good snapshot that stands in; None: it's fresh
    counts: Mapping[Severity, int]  # all findings, also those not listed
    findings: Sequence[Finding]  # worst first, at most a few hundred
    rules: Mapping[str, Sequence[str]]  # table -> ids of the rules that were applied ("rule:column")
    annotated: str | None  # where below the home the annotated workbook lies: no link, it holds contacts


@dataclass(frozen=True)
class DatasetSection:
    """What became of a dataset in this run."""

    declaration: DatasetDeclaration
    state: str  # "released", "unchanged", "held", "waiting", "failed"
    message: str
    release: Release | None  # the latest good release
    url: str | None  # its page on the portal
    findings: Sequence[Finding]
    history: Sequence[tuple[str, int]]  # (version, rows) of the releases so far, oldest first


@dataclass(frozen=True)
class ReportContent:
    """Everything a report says."""

    run_id: str
    day: date
    kind: str  # "nightly" or "backfill"
    sources: Sequence[SourceSection]
    datasets: Sequence[DatasetSection]
    portal: str  # its address
    portal_problem: str  # empty if the portal took everything
    quality: Mapping[str, Sequence[tuple[str, int, int]]]  # source -> (data date, rows accepted, rows quarantined)


def render_report(content: ReportContent) -> str:
    """The report as one HTML page. The same content always gives the same page."""
    return _template().render(page=_page(content)) + "\n"


def write_report(folder: Path, content: ReportContent) -> Path:
    """Write ``index.html`` into the report's folder, whole or not at all. Returns its path."""
    path = folder / "index.html"
    write_atomically(path, render_report(content))
    return path


def summary_markdown(content: ReportContent) -> str:
    """The verdict in a few lines of Markdown. Nothing from outside can be markup in it, nor a link."""
    page = _page(content)
    lines = [f"## {page.verdict.mark} {_markdown(page.verdict.headline)}", "", f"{_markdown(page.occasion)}", ""]
    lines += [f"- {fact.mark} {_markdown(fact.text)}" for fact in page.verdict.facts]
    if page.halted:
        lines += ["", "### Held, and why", ""]
        lines += [
            f"- **{_markdown(h.title)}**: {_markdown(' '.join([h.outcome, h.why]).strip())}" for h in page.halted
        ]
    if page.turns:
        lines += ["", "### Whose turn it is", ""]
        lines += [
            f"- **{_markdown(turn.who)}**: {_markdown('; '.join(task.text for task in turn.tasks))}"
            for turn in page.turns
        ]
    if page.published:
        lines += ["", "### Published", ""]
        for dataset in page.published:
            title = _markdown(dataset.title)
            link = f"[{title}](<{dataset.url}>)" if dataset.url else title
            lines.append(f"- {link}: {_markdown(dataset.outcome)}")
    return "\n".join(lines) + "\n"


def findings_table(content: ReportContent, limit: int = 100) -> list[dict[str, str]]:
    """Findings as rows of plain text, worst first: for a table that escapes its cells itself."""
    rows = [
        (finding.severity.rank, section.declaration.name, finding, tables)
        for section, tables in _subjects(content)
        for finding in section.findings
    ]
    rows.sort(key=lambda row: row[0])  # stable: within a severity the order given stays
    return [_table_row(subject, finding, tables) for _, subject, finding, tables in rows[:limit]]


def _table_row(subject: str, raw: Finding, tables: Sequence[TableDeclaration]) -> dict[str, str]:
    finding, field = _safe(raw, tables)
    return {
        "source": _clean(subject),
        "table": _clean(finding.table_name or ""),
        "sheet": _clean(finding.sheet or ""),
        "row": "" if finding.row_number is None else str(finding.row_number),
        "column": _clean(field.title if field else finding.column_name or ""),
        "value": "" if finding.value is None else _value(finding.value),
        "rule": _clean(finding.rule),
        "problem": _text(finding.message),
        "what to do": _text(finding.help),
    }


# --- texts from outside ---------------------------------------------------------------------------------

# Controls, marks that turn the direction of writing round, characters without width, halves of surrogate pairs.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SIGN_IN = re.compile(r"(?<=://)[^/\s@]+@")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:@^$=])")
_MARKDOWN_OWN = re.compile(r"(?<=[A-Za-z,;])\\([.:\-])(?=\s|$)|(?<=[0-9])\\([\-.])(?=[0-9])")


def _clean(text: str) -> str:
    """A text on one line, with what cannot be seen made visible and names and passwords taken out of addresses."""
    return _SIGN_IN.sub("", " ".join(_UNSEEN.sub("\ufffd", text).split()))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _text(text: str) -> str:
    # Cut before cleaning as well: a message of many megabytes should not cost much.
    return _cut(_clean(text[: 4 * _LONGEST_TEXT]), _LONGEST_TEXT)


def _value(value: str) -> str:
    """A value as the person sees it in the cell; spaces and line ends can be what is wrong with it."""
    text = value[: 2 * _LONGEST_VALUE].replace("\r\n", "\n").replace("\n", "↵").replace("\t", "⇥")
    return _cut(_SIGN_IN.sub("", _UNSEEN.sub("\ufffd", text)), _LONGEST_VALUE)


def _markdown(text: str) -> str:
    """A text that stands for itself in Markdown: no markup, no HTML, no address that turns into a link."""
    escaped = _MARKDOWN.sub(r"\\\1", html.escape(_text(text), quote=False))
    # Punctuation that ends a word or stands between digits is harmless, and the text is read as it is, too.
    return _MARKDOWN_OWN.sub(lambda match: match[1] or match[2], escaped)


def _link(address: str | None) -> str | None:
    """An address to link to: http(s), or relative to the page; None for anything else."""
    if not address or _UNSEEN.search(address) or re.search(r"[\s\\<>\"]", address):
        return None
    try:
        parts = urlsplit(address)
        host, signed_in = parts.hostname, parts.username or parts.password
    except ValueError:
        return None
    if parts.scheme in ("http", "https"):
        # "https://portal.example@elsewhere.example" is not where it seems to lead.
        return quote(address, safe=":/?#[]@!$&'*+,;=%~") if host and not signed_in else None
    if parts.scheme or parts.netloc or address.startswith("/") or ":" in address.partition("/")[0]:
        return None
    return quote(address, safe="/%#?&=.~-_")


def _origin(origin: str) -> str:
    """Where a snapshot came from, without query and folders: neither tokens nor machines belong into a report."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return ""
    if parts.scheme in ("http", "https"):
        return _cut(_clean(f"{parts.hostname or ''}{parts.path}"), 120)
    return _cut(_clean(PurePosixPath(origin.replace("\\", "/")).name), 120)


def _field(finding: Finding, tables: Sequence[TableDeclaration]) -> FieldDeclaration | None:
    """The declared field a finding is about, by its name or by a header that means it; a personal one first."""
    if finding.column_name is None:
        return None
    header = normalised(finding.column_name)
    found = [
        field
        for table in tables
        if finding.table_name in (None, table.name)
        for field in table.fields
        if field.name == finding.column_name
        or header in {normalised(text) for text in (field.title, *field.source_names)}
    ]
    return min(
        found, key=lambda f: (f.privacy is not Privacy.PERSONAL, f.name != finding.column_name), default=None
    )


def _safe(finding: Finding, tables: Sequence[TableDeclaration]) -> tuple[Finding, FieldDeclaration | None]:
    """A finding that may be shown, and its field.

    Personal values should have been withheld long before. Here stands the last door, so it is closed again: a
    value of a personal column, of a column nobody declared, or a whole line of a table that holds personal
    columns does not pass, and is taken out of the message too.
    """
    field = _field(finding, tables)
    if finding.value in (None, "", WITHHELD):
        return finding, field
    if finding.column_name is not None:
        is_private = field.privacy is Privacy.PERSONAL if field else finding.value != finding.column_name
    else:
        is_private = finding.row_number is not None and any(
            f.privacy is Privacy.PERSONAL
            for table in tables
            if finding.table_name in (None, table.name)
            for f in table.fields
        )
    if not is_private:
        return finding, field
    value = str(finding.value)
    return replace(
        finding,
        value=WITHHELD,
        message=finding.message.replace(value, WITHHELD),
        help=finding.help.replace(value, WITHHELD),
        row_key=finding.row_key.replace(value, WITHHELD) if finding.row_key else None,
    ), field


# --- words --------------------------------------------------------------------------------------------


def _day(day: date | str) -> str:
    """A date in words: 9 November 2026. What is no date stays as it is."""
    if isinstance(day, str):
        try:
            return _day(date.fromisoformat(day[:10]))
        except ValueError:
            return _cut(_clean(day), 40)
    return f"{day.day} {_MONTHS[day.month]} {day.year}"


def _many(count: int, word: str) -> str:
    """A count with its noun: 1 row, 2 rows, 0 companies."""
    return f"{count:,} {word if count == 1 else _plural(word)}"


def _plural(word: str) -> str:
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(s|x|z|ch|sh)$", word) else "s")


def _row_word(table: TableDeclaration | None) -> str:
    """What to call a row: "pilot" for a "pilot of one service", or "row" where it is not said that plainly."""
    words = table.each_row_is_a.strip() if table else ""
    head = re.split(r"\s(?:of|in|at|on|for|from|to|by|as|with|per|that|which|who|where)\b", words)[0]
    return head if re.fullmatch(r"[a-z]{3,20}( [a-z]{3,20})?", head) else "row"


def _listed(words: Sequence[str], most: int = 3) -> str:
    """Words in a sentence: a, b and c; or a, b, c and 4 more."""
    words = list(words) if len(words) <= most + 1 else [*words[:most], f"{len(words) - most} more"]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _percent(part: int, whole: int) -> str:
    if not part or not whole:
        return "0 %"
    share = 100 * part / whole
    return "under 0.1 %" if share < 0.1 else f"{share:.1f} %"


def _rule_words(rule_id: str, table: TableDeclaration | None, source: SourceDeclaration) -> str:
    """What a rule demands, as a sentence about good rows."""
    rule, _, joined = rule_id.partition(":")
    names = [name for name in joined.split("+") if name]
    declared = {field.name: field for field in table.fields} if table else {}
    titles = _listed([declared[name].title if name in declared else name for name in names], most=4)
    field = declared.get(names[0]) if names else None
    limits = field.constraints if field else None
    unit = f" {field.unit}" if field and field.unit else ""
    if rule == "row-count":
        if table is None:
            return "The number of rows is plausible"
        low, high = table.rows.minimum, table.rows.maximum
        return f"There are at least {_many(low, 'row')}" if high is None else f"There are {low:,} to {high:,} rows"
    if rule == "unique" and not names and table:
        return f"{_listed([table.field(name).title for name in table.primary_key])}: no row stands there twice"
    if rule == "range" and limits:
        ends = (("at least", limits.minimum), ("at most", limits.maximum))
        return f"{titles} is " + " and ".join(f"{word} {end}" for word, end in ends if end is not None) + unit
    if rule == "reference" and table:
        target = next((key.table for key in table.foreign_keys if list(key.fields) == names), "")
        other = next((t.title for t in source.tables if t.name == target), target)
        return f"{titles} stands in {other} too" if other else f"{titles} refers to a row that exists"
    known = {
        "required": f"{titles} is filled in",
        "unique": f"{titles} stands there only once",
        "pattern": f"{titles} has the form expected",
        "code": f"{titles} is on the list",
        "length": f"{titles} is neither too long nor too short",
        "check-digit": f"{titles} has the right check digit",
    }
    if rule in known and titles:
        return known[rule]
    words = re.sub("[-_]", " ", rule).strip().capitalize() or rule_id
    return f"{words} ({titles})" if titles else words


# --- what the page shows -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Fact:
    tone: str  # good, warn, stop, calm: a colour, always beside a mark and words
    mark: str
    text: str
    anchor: str


@dataclass(frozen=True)
class _Verdict:
    tone: str
    mark: str
    word: str
    headline: str
    facts: tuple[_Fact, ...]


@dataclass(frozen=True)
class _Task:
    text: str
    anchor: str


@dataclass(frozen=True)
class _Turn:
    who: str
    note: str
    tasks: tuple[_Task, ...]


@dataclass(frozen=True)
class _Bar:
    x: float
    y: float
    width: float
    height: float
    is_last: bool


@dataclass(frozen=True)
class _Plot:
    """A small bar chart. ``figures`` are its numbers for those who cannot see it, or want them."""

    words: str
    bars: tuple[_Bar, ...]
    first: str
    last: str
    headings: tuple[str, ...]
    figures: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Published:
    anchor: str
    title: str
    tone: str
    mark: str
    word: str
    outcome: str
    url: str | None
    rows: str
    plot: _Plot | None


@dataclass(frozen=True)
class _Halted:
    title: str
    what: str  # source or dataset
    tone: str
    mark: str
    word: str
    outcome: str
    why: str
    whose: str
    anchor: str | None


@dataclass(frozen=True)
class _Place:
    file: str
    sheet: str
    row: str
    which: str
    value: str | None
    message: str


@dataclass(frozen=True)
class _Group:
    """A broken rule with the places where it is broken."""

    severity: str
    table: str
    column: str
    message: str
    help: str
    places: tuple[_Place, ...]
    folded: tuple[_Place, ...]
    count: int
    has_files: bool
    has_sheets: bool
    has_keys: bool
    has_messages: bool


@dataclass(frozen=True)
class _Work:
    """The things to mend, or to look at, in one source or dataset."""

    anchor: str
    title: str
    whose: str
    intro: str
    groups: tuple[_Group, ...]
    rest: int  # findings that are not listed
    annotated: str | None


@dataclass(frozen=True)
class _Check:
    tone: str
    mark: str
    words: str
    result: str


@dataclass(frozen=True)
class _TableChecks:
    title: str
    summary: str
    checks: tuple[_Check, ...]


@dataclass(frozen=True)
class _SourceRow:
    anchor: str
    title: str
    tone: str
    mark: str
    word: str
    data: str
    origin: str
    accepted: str
    set_aside: str
    mend: int
    look: int
    annotated: str | None
    tables: tuple[_TableChecks, ...]
    checks_note: str
    plot: _Plot | None


@dataclass(frozen=True)
class _Page:
    run_id: str
    occasion: str
    verdict: _Verdict
    turns: tuple[_Turn, ...]
    published: tuple[_Published, ...]
    unpublished: tuple[str, ...]
    halted: tuple[_Halted, ...]
    sources: tuple[_SourceRow, ...]
    mend: tuple[_Work, ...]
    look: tuple[_Work, ...]
    know: tuple[_Work, ...]
    clear: tuple[str, ...]  # titles of sources without anything to mend
    portal: str
    portal_url: str | None
    portal_problem: str


_OPERATOR = "The operator"


def _page(content: ReportContent) -> _Page:
    sources, datasets = content.sources, content.datasets
    works = {
        tier: tuple(
            work
            for section, tables in _subjects(content)
            if (work := _work(section, tables, tier, severities)) is not None
        )
        for tier, severities in (("mend", _TO_MEND), ("look", (Severity.WARNING,)), ("know", (Severity.INFO,)))
    }
    occasion = "Backfill" if content.kind == "backfill" else "Night"
    return _Page(
        run_id=content.run_id,
        occasion=f"{occasion} of {_day(content.day)}",
        verdict=_verdict(content),
        turns=_turns(content),
        published=tuple(_published(d) for d in datasets if d.release is not None),
        unpublished=tuple(_text(d.declaration.entry.title) for d in datasets if d.release is None),
        halted=(
            *map(_halted_source, filter(_is_halted, sources)),
            *map(_halted_dataset, filter(_waits, datasets)),
        ),
        sources=tuple(_source_row(s, content.quality.get(s.declaration.name, ())) for s in sources),
        mend=works["mend"],
        look=works["look"],
        know=works["know"],
        clear=tuple(_text(s.declaration.title) for s in sources if s.snapshot and not _count(s, *_TO_MEND)),
        portal=_text(content.portal),
        portal_url=_link(content.portal),
        portal_problem=_text(content.portal_problem),
    )


def _subjects(
    content: ReportContent,
) -> list[tuple[SourceSection | DatasetSection, tuple[TableDeclaration, ...]]]:
    """Sources and datasets with the tables their findings speak of."""
    return [
        *((source, source.declaration.tables) for source in content.sources),
        *((dataset, (dataset.declaration.table,)) for dataset in content.datasets),
    ]


def _title(section: SourceSection | DatasetSection) -> str:
    declaration = section.declaration
    return _text(declaration.title if isinstance(declaration, SourceDeclaration) else declaration.entry.title)


def _count(section: SourceSection | DatasetSection, *severities: Severity) -> int:
    listed = Counter(finding.severity for finding in section.findings)
    counts = section.counts if isinstance(section, SourceSection) else {}
    # Never fewer than are listed: a count that came late must not make findings vanish.
    return sum(max(counts.get(severity, 0), listed[severity]) for severity in severities)


def _is_halted(section: SourceSection) -> bool:
    return section.state in ("held", "failed", "late")


def _waits(section: DatasetSection) -> bool:
    return section.state in ("held", "failed", "waiting")


def _loads(section: SourceSection) -> Mapping[str, TableLoad]:
    """What went on of a source, by table; nothing if its snapshot was held."""
    if section.snapshot is None or section.snapshot.verdict is Verdict.HELD:
        return {}
    return section.snapshot.tables


def _is_handed_in(section: SourceSection) -> bool:
    return section.annotated is not None or section.declaration.kind == "workbook"


def _whose(section: SourceSection | DatasetSection) -> str:
    """Who must act on findings."""
    if isinstance(section, DatasetSection):
        return _text(section.declaration.entry.contact.name)
    publisher = _text(section.declaration.publisher.title)
    return f"{publisher}: whoever keeps the workbook" if _is_handed_in(section) else f"{publisher}, at the source"


# --- verdict --------------------------------------------------------------------------------------------


def _verdict(content: ReportContent) -> _Verdict:
    sources, datasets = content.sources, content.datasets
    failed = [_title(s) for s in sources if s.state == "failed"]
    held = [_title(s) for s in sources if s.state == "held"]
    late = [_title(s) for s in sources if s.state == "late"]
    stopped = [_title(d) for d in datasets if d.state in ("held", "failed")]
    loads = [load for s in sources for load in _loads(s).values()]
    set_aside, staged = sum(load.quarantined for load in loads), sum(load.staged for load in loads)
    released = [d for d in datasets if d.state == "released"]
    up = [d for d in datasets if d.release is not None]
    mend = sum(_count(section, *_TO_MEND) for section, _ in _subjects(content))
    look = sum(_count(section, Severity.WARNING) for section, _ in _subjects(content))

    parts = []
    if held:
        parts.append(f"Held: {_listed(held)}.")
    if failed:
        parts.append(f"Failed: {_listed(failed)}.")
    if late:
        parts.append(f"Late: {_listed(late)}.")
    if stopped:
        parts.append(f"Not published: {_listed(stopped)}.")
    if content.portal_problem:
        parts.append("The portal did not take everything.")
    if parts:
        tone, mark, word, headline = "stop", "✕", "Needs attention", " ".join(parts)
    elif not up and not any(s.snapshot for s in sources):
        tone, mark, word, headline = "calm", "○", "Nothing yet", "Nothing has come in yet."
    elif set_aside or mend:
        verb = "Published" if up else "Loaded"
        aside = f"with {_many(set_aside, 'row')} set aside." if set_aside else "with things to mend."
        tone, mark, word, headline = "warn", "!", f"{verb} with gaps", f"{verb}, {aside}"
    elif up:
        tone, mark, word, headline = "good", "✓", "All well", "Everything was checked and is published."
    else:
        tone, mark, word, headline = "good", "✓", "All well", "Everything was checked; nothing is published yet."

    if released and content.portal_problem:
        published = f"{_many(len(released), 'new version')} made, but not all of it is on the portal."
    elif released:
        new = f"{_many(len(released), 'dataset')} published anew"
        published = f"{new}; {len(up) - len(released):,} as before." if len(up) > len(released) else f"{new}."
    elif up:
        published = f"No dataset changed; {len(up):,} {'is' if len(up) == 1 else 'are'} on the portal as before."
    else:
        published = "No dataset is published yet."
    halted = [
        f"{_many(count, kind)} {word}"
        for kind, sections in (("source", sources), ("dataset", datasets))
        for state, word in (("held", "held"), ("failed", "failed"), ("late", "late"), ("waiting", "waiting"))
        if (count := sum(section.state == state for section in sections))
    ]
    holding = f"{_listed(halted, most=5)}." if halted else "Nothing was held."
    is_stale = any(s.stale_since for s in sources)
    if is_stale:
        holding += " Older, good data stand in."
    if set_aside:
        aside = f"{set_aside:,} of {_many(staged, 'row')} set aside."
    else:
        aside = f"No row was set aside, of {staged:,}." if staged else "No row was set aside."
    aside += _standing_in(loads)
    todo = f"{_many(mend, 'thing')} to mend." if mend else "Nothing to mend."
    todo += f" {_many(look, 'suggestion')}." if look else " No suggestions."
    facts = (
        _fact("warn" if content.portal_problem else "good" if released else "calm", published, "published"),
        _fact("stop" if halted else "warn" if is_stale else "good", holding, "held"),
        _fact("warn" if set_aside else "good", aside, "sources"),
        _fact("warn" if mend else "good", todo, "to-do"),
    )
    return _Verdict(tone, mark, word, headline, facts)


def _standing_in(loads: Sequence[TableLoad]) -> str:
    """What became of records whose row was refused, and of rows with a wrong cell."""
    held, cells = sum(load.held for load in loads), sum(load.held_cells for load in loads)
    words = ""
    if held:
        words += f" {_many(held, 'record')} {'stands' if held == 1 else 'stand'} as last known, marked as held."
    if cells:
        words += f" {_many(cells, 'wrong cell')} {'was' if cells == 1 else 'were'} left empty; the rows went on."
    if any(load.staged and not load.is_whole for load in loads):
        words += " What the delivery lacks was not taken as gone: nobody can say whose the unreadable rows are."
    return words


def _fact(tone: str, text: str, anchor: str) -> _Fact:
    return _Fact(tone, {"good": "✓", "warn": "!", "stop": "✕"}.get(tone, "○"), text, anchor)


def _turns(content: ReportContent) -> tuple[_Turn, ...]:
    """Who must act, and on what; people with something to mend before those with something to look at."""
    tasks: dict[tuple[str, str], list[tuple[int, _Task]]] = {}

    def add(who: str, note: str, urgency: int, text: str, anchor: str) -> None:
        tasks.setdefault((who, note), []).append((urgency, _Task(text, anchor)))

    for section in content.sources:
        name, title = section.declaration.name, _title(section)
        mend, look = _count(section, *_TO_MEND), _count(section, Severity.WARNING)
        is_ours = _is_handed_in(section)
        who = _whose(section)
        note = "" if is_ours else "the operator passes it on"
        if section.state == "failed" and not mend:
            add(_OPERATOR, "", 0, f"{title}: find out why it failed", "held")
        elif section.state == "late":
            add(_OPERATOR, "", 1, f"{title}: ask where the new data are", "held")
        elif section.snapshot is None and not _is_halted(section):
            add(who if is_ours else _OPERATOR, "", 1, f"{title}: hand in the first data", f"source-{name}")
        elif section.state == "held" and not mend:
            add(_OPERATOR, "", 0, f"{title}: find out why it was held", "held")
        if mend:
            end = " and hand the file in again" if is_ours else ""
            add(who, note, 1 if section.state != "held" else 0, f"{title}: mend {_many(mend, 'thing')}{end}",
                f"mend-{name}")  # fmt: skip
        if look:
            add(who, note, 2, f"{title}: look at {_many(look, 'suggestion')}", f"look-{name}")
    for dataset in content.datasets:
        name, title = dataset.declaration.name, _title(dataset)
        mend, look = _count(dataset, *_TO_MEND), _count(dataset, Severity.WARNING)
        if dataset.state == "failed":
            add(_OPERATOR, "", 0, f"{title}: find out why it could not be made", "held")
        elif dataset.state == "held" or mend:
            place = f"mend-{name}" if mend else "held"
            add(_whose(dataset), "", 0, f"{title}: find out what is wrong with it", place)
        if look:
            add(_whose(dataset), "", 2, f"{title}: look at {_many(look, 'suggestion')}", f"look-{name}")
    if content.portal_problem:
        add(_OPERATOR, "", 0, "The portal: publish again once it answers", "portal")
    ordered = sorted(tasks.items(), key=lambda item: min(urgency for urgency, _ in item[1]))
    return tuple(
        _Turn(who, note, tuple(task for _, task in sorted(listed, key=lambda one: one[0])))
        for (who, note), listed in ordered
    )


# --- what was published, what was held ------------------------------------------------------------------------

_DATASET_STATES = {
    "released": ("good", "✓", "New version"),
    "unchanged": ("good", "✓", "Unchanged"),
    "held": ("stop", "✕", "Held"),
    "waiting": ("warn", "!", "Waiting"),
    "failed": ("stop", "✕", "Failed"),
}
_SOURCE_STATES = {
    "loaded": ("good", "✓", "Loaded"),
    "unchanged": ("good", "✓", "Unchanged"),
    "held": ("stop", "✕", "Held"),
    "failed": ("stop", "✕", "Failed"),
    "late": ("warn", "!", "Late"),
    "waiting": ("calm", "○", "Waiting"),
}


def _published(section: DatasetSection) -> _Published:
    release = section.release
    if release is None:
        raise ValueError("only what has a release was published")
    tone, mark, word = _DATASET_STATES.get(section.state, ("calm", "○", _text(section.state)))
    changes = f"{release.added:,} added, {release.changed:,} changed, {release.removed:,} removed"
    version = _text(release.version)
    if section.state == "released":
        before = _text(release.previous_version or "")
        outcome = f"version {version} since {before}: {changes}." if before else f"version {version}, the first."
    elif section.state == "unchanged":
        outcome = f"version {version} stays; nothing in it changed."
    else:
        outcome = f"the portal keeps version {version}, the last good one."
    return _Published(
        anchor=f"dataset-{section.declaration.name}",
        title=_title(section),
        tone=tone,
        mark=mark,
        word=word,
        outcome=outcome[0].upper() + outcome[1:],
        url=_link(section.url),
        rows=_many(release.rows, _row_word(section.declaration.table)),
        plot=_rows_plot(section.history),
    )


def _halted_source(section: SourceSection) -> _Halted:
    tone, mark, word = _SOURCE_STATES[section.state]
    if section.state == "late":
        outcome = f"The data of {_day(section.snapshot.data_date)} stand." if section.snapshot else ""
    elif section.stale_since:
        outcome = f"Data of {_day(section.stale_since)}, the last good ones, stand in."
    else:
        outcome = "There are no earlier good data that could stand in."
    mend = _count(section, *_TO_MEND)
    failed_alone = not mend
    return _Halted(
        title=_title(section),
        what="Source",
        tone=tone,
        mark=mark,
        word=word,
        outcome=outcome,
        why=_why(section, section.declaration.tables),
        whose=_OPERATOR if failed_alone else _whose(section),
        anchor=f"mend-{section.declaration.name}" if mend else None,
    )


def _halted_dataset(section: DatasetSection) -> _Halted:
    tone, mark, word = _DATASET_STATES[section.state]
    if section.release:
        outcome = f"The portal keeps version {_text(section.release.version)}, the last good one."
    else:
        outcome = "Nothing of it has been published so far."
    mend = _count(section, *_TO_MEND)
    whose = {"waiting": "Nobody: it goes on by itself once its sources are good", "failed": _OPERATOR}
    return _Halted(
        title=_title(section),
        what="Dataset",
        tone=tone,
        mark=mark,
        word=word,
        outcome=outcome,
        why=_why(section, (section.declaration.table,)),
        whose=whose.get(section.state) or _whose(section),
        anchor=f"mend-{section.declaration.name}" if mend else None,
    )


def _why(section: SourceSection | DatasetSection, tables: Sequence[TableDeclaration]) -> str:
    """The reason given, else what the worst findings say."""
    if section.message.strip():
        return _text(section.message)
    worst = [f for f in section.findings if f.severity is Severity.CRITICAL] or [
        f for f in section.findings if f.severity is Severity.ERROR
    ]
    said = list(dict.fromkeys(_text(_safe(f, tables)[0].message) for f in worst))
    more = f" And {_many(len(said) - 3, 'more reason')}." if len(said) > 3 else ""
    return " ".join(said[:3]) + more if said else "No reason was given."


# --- findings ---------------------------------------------------------------------------------------------


def _work(
    section: SourceSection | DatasetSection,
    tables: Sequence[TableDeclaration],
    tier: str,
    severities: Sequence[Severity],
) -> _Work | None:
    """Findings of one kind, grouped by the rule that is broken; None where there is none."""
    total = _count(section, *severities)
    if not total:
        return None
    chosen = [finding for finding in section.findings if finding.severity in severities]
    together: dict[tuple[Any, ...], list[tuple[Finding, FieldDeclaration | None]]] = {}
    for raw in chosen:
        finding, field = _safe(raw, tables)
        key = (finding.severity.rank, finding.table_name, finding.rule, finding.column_name, finding.help)
        together.setdefault(key, []).append((finding, field))
    titles = {table.name: table.title for table in tables}
    has_files = len({finding.file for finding in chosen if finding.file}) > 1
    groups = [_group(found, titles, has_files) for found in together.values()]
    groups.sort(key=lambda group: group.severity != Severity.CRITICAL)  # stable: the worst first
    intro, annotated = "", None
    if isinstance(section, SourceSection):
        set_aside = sum(load.quarantined for load in _loads(section).values())
        if tier == "mend" and section.snapshot and section.snapshot.verdict is Verdict.HELD:
            intro = "The whole delivery was held: none of its rows went on."
        elif tier == "mend":
            staged = sum(load.staged for load in _loads(section).values())
            if set_aside:
                intro = (
                    f"{set_aside:,} of {_many(staged, 'row')} set aside until they are mended; the others went on."
                )
            intro += _standing_in(list(_loads(section).values()))
        if tier == "mend" and section.state == "failed" and section.snapshot:
            intro = f"From the data of {_day(section.snapshot.data_date)}, the last that could be read. {intro}"
        annotated = _cut(_clean(section.annotated or ""), 200) or None
    return _Work(
        anchor=f"{tier}-{section.declaration.name}",
        title=_title(section),
        whose=_whose(section),
        intro=intro.strip(),
        groups=tuple(groups),
        rest=total - len(chosen),
        annotated=annotated,
    )


def _group(
    found: Sequence[tuple[Finding, FieldDeclaration | None]], titles: Mapping[str, str], has_files: bool
) -> _Group:
    first, field = found[0]
    messages = {finding.message for finding, _ in found}
    # A finding without a place and a value adds nothing to the sentence above it.
    places = [
        _Place(
            file=_cut(_clean(f.file or ""), 80),
            sheet=_cut(_clean(f.sheet or ""), 60),
            row="" if f.row_number is None else str(f.row_number),
            which=_cut(_clean(f.row_key or ""), 80),
            value=None if f.value is None else _value(f.value),
            message=_text(f.message),
        )
        for f, _ in found
        if f.row_number is not None or len(found) > 1
    ]
    column = field.title if field else first.column_name or ""
    return _Group(
        severity=first.severity.value,
        table=_text(titles.get(first.table_name or "", first.table_name or "")),
        column=_cut(_clean(column), 80),
        message=_text(first.message) if len(messages) == 1 else f"{_many(len(found), 'value')} not as expected.",
        help=_text(first.help),
        places=tuple(places[:_PLACES_SHOWN]),
        folded=tuple(places[_PLACES_SHOWN:]),
        count=len(found),
        has_files=has_files and any(place.file for place in places),
        has_sheets=any(place.sheet for place in places),
        has_keys=any(place.which for place in places),
        has_messages=len(messages) > 1,
    )


# --- sources and their checks --------------------------------------------------------------------------------


def _source_row(section: SourceSection, quality: Sequence[tuple[str, int, int]]) -> _SourceRow:
    tone, mark, word = _SOURCE_STATES.get(section.state, ("calm", "○", _text(section.state)))
    snapshot = section.snapshot
    loads = _loads(section)
    set_aside, accepted = (sum(getattr(load, n) for load in loads.values()) for n in ("quarantined", "accepted"))
    mend = _count(section, *_TO_MEND)
    if snapshot is None and not _is_halted(section):
        tone, mark, word = "calm", "○", "Nothing yet"
    elif tone == "good" and (set_aside or mend):
        tone, mark, word = "warn", "!", f"{word}, with gaps"
    data = f"Data of {_day(snapshot.data_date)}" if snapshot else "Never pulled"
    if section.stale_since:
        data = f"Data of {_day(section.stale_since)} stand in"
    is_held = snapshot is not None and snapshot.verdict is Verdict.HELD
    tables = tuple(
        _table_checks(section, name, rules)
        for name, rules in sorted(section.rules.items(), key=lambda item: _table_order(section, item[0]))
        if rules and snapshot is not None
    )
    note = ""
    if not tables:
        note = "No check could run: there is nothing to check." if snapshot is None else "No rule was applied."
    elif section.state == "failed":
        note = "Nothing new could be pulled; these checks are of the last data that could be read."
    return _SourceRow(
        anchor=f"source-{section.declaration.name}",
        title=_title(section),
        tone=tone,
        mark=mark,
        word=word,
        data=data,
        origin=("Held: " if is_held else "") + _origin(snapshot.origin) if snapshot else "",
        accepted="–" if snapshot is None else "none" if is_held else f"{accepted:,}",
        set_aside="–" if snapshot is None else "all" if is_held else f"{set_aside:,}",
        mend=mend,
        look=_count(section, Severity.WARNING),
        annotated=_cut(_clean(section.annotated or ""), 200) or None,
        tables=tables,
        checks_note=note,
        plot=_quality_plot(quality),
    )


def _table_order(section: SourceSection, name: str) -> tuple[int, str]:
    names = [table.name for table in section.declaration.tables]
    return (names.index(name) if name in names else len(names), name)


def _table_checks(section: SourceSection, name: str, rules: Sequence[str]) -> _TableChecks:
    """Every rule applied to a table with what it found, nothing included."""
    table = next((t for t in section.declaration.tables if t.name == name), None)
    severities = tuple(Severity)
    is_cut = _count(section, *severities) > len(section.findings)
    here = [finding for finding in section.findings if finding.table_name == name]
    load = section.snapshot.tables.get(name) if section.snapshot else None
    is_empty = load is None or not load.staged  # a rule that had no row to look at did not find it good
    # What reading found belongs to no rule of the list, and is listed all the same.
    left = Counter((finding.rule, finding.column_name) for finding in here)
    counts = dict(left)
    worst: dict[tuple[str, str | None], Severity] = {}
    for finding in here:
        worst.setdefault((finding.rule, finding.column_name), finding.severity)  # the worst comes first
    checks = []
    quiet = 0
    for rule_id in rules:
        rule, _, joined = rule_id.partition(":")
        # A finding names the first of a rule's columns; the rule on the key does not say its columns in its id.
        column = joined.split("+")[0] or (table.primary_key[0] if table and rule == "unique" else None)
        keys = [key for key in counts if key[0] == rule and (column is None or key[1] in (column, None))]
        count = sum(counts[key] for key in keys)
        for key in keys:
            left.pop(key, None)
        words = _text(_rule_words(rule_id, table, section.declaration))
        if count:
            severity = min((worst[key] for key in keys), key=lambda one: one.rank)
            result = f"{'at least ' if is_cut else ''}{_many(count, 'finding')}"
            checks.append(_Check(*_marked(severity), words, result))
            continue
        quiet += 1
        if is_empty:
            checks.append(_Check("calm", "○", words, "nothing to check"))
        elif is_cut:
            checks.append(_Check("calm", "○", words, "none among the findings listed"))
        else:
            checks.append(_Check("good", "✓", words, "no finding"))
    without = "without a listed finding" if is_cut else "without a finding"
    if load is None or is_empty:
        summary = f"No row of this table came in, so {_many(len(checks), 'rule')} had nothing to check"
    else:
        rows = _many(load.staged, _row_word(table))
        summary = f"{rows} checked against {_many(len(checks), 'rule')}; {quiet:,} {without}"
    others = [
        _Check(
            *_marked(worst[key]), _text(_rule_words(key[0], None, section.declaration)), _many(count, "finding")
        )
        for key, count in left.items()
    ]
    order = ("stop", "warn", "calm", "good")  # what was found first, each in the order declared
    return _TableChecks(
        _text(table.title if table else name),
        summary,
        tuple(sorted([*others, *checks], key=lambda check: order.index(check.tone))),
    )


def _marked(severity: Severity) -> tuple[str, str]:
    """The tone and the mark of a finding."""
    if severity in _TO_MEND:
        return "stop", "✕"
    return ("warn", "!") if severity is Severity.WARNING else ("calm", "○")


# --- plots -----------------------------------------------------------------------------------------------------

_PLOT_WIDTH, _PLOT_HEIGHT = 240, 44


def _bars(values: Sequence[float]) -> tuple[_Bar, ...]:
    """Bars from zero, with a line's height for zero itself so that it is seen to be there."""
    top = max(values, default=0) or 1
    width = min(26, 0.72 * _PLOT_WIDTH / max(len(values), 1))
    step = (_PLOT_WIDTH - width) / max(len(values) - 1, 1)  # the first stands on the left, the last on the right
    return tuple(
        _Bar(
            x=round(place * step, 2),
            y=round(_PLOT_HEIGHT - (height := max(1.5, _PLOT_HEIGHT * value / top)), 2),
            width=round(width, 2),
            height=round(height, 2),
            is_last=place == len(values) - 1,
        )
        for place, value in enumerate(values)
    )


def _rows_plot(history: Sequence[tuple[str, int]]) -> _Plot | None:
    if len(history) < 2:
        return None
    shown = [(_text(version), rows) for version, rows in history[-_POINTS_PLOTTED:]]
    (first, then), (last, now) = shown[0], shown[-1]
    return _Plot(
        words=f"Rows in the last {len(shown)} releases: {then:,} in {first}, {now:,} in {last}.",
        bars=_bars([rows for _, rows in shown]),
        first=f"{first}\n{_many(then, 'row')}",
        last=f"{last}\n{_many(now, 'row')}",
        headings=("Version", "Rows"),
        figures=tuple((version, f"{rows:,}") for version, rows in shown),
    )


def _quality_plot(quality: Sequence[tuple[str, int, int]]) -> _Plot | None:
    """The share of rows set aside, snapshot by snapshot: does it get better?"""
    if not quality:
        return None
    shown = quality[-_POINTS_PLOTTED:]
    shares = [aside / (good + aside) if good + aside else 0.0 for _, good, aside in shown]
    now = _percent(shown[-1][2], sum(shown[-1][1:]))
    if len(shown) == 1:
        words = f"The first delivery: {now} of rows set aside."
    else:
        then = _percent(shown[0][2], sum(shown[0][1:]))
        change = shares[-1] - shares[0]
        if abs(change) < 0.0005:
            words = f"As before: {now} of rows set aside."
        else:
            word, way = ("Better", "down") if change < 0 else ("Worse", "up")
            words = f"{word}: {now} of rows set aside, {way} from {then}."
    return _Plot(
        words=words,
        bars=_bars(shares) if len(shown) > 1 else (),
        first=_day(shown[0][0]),
        last=_day(shown[-1][0]),
        headings=("Data of", "Rows that went on", "Rows set aside"),
        figures=tuple((_day(day), f"{good:,}", f"{aside:,}") for day, good, aside in shown),
    )


# --- the template ------------------------------------------------------------------------------------------------


def _finalised(value: Any) -> Any:
    """The last look at whatever a template writes; jinja2 escapes it afterwards."""
    return value if isinstance(value, Markup) else _UNSEEN.sub("\ufffd", str(value))


def _digest(style: str) -> str:
    """The hash by which the page's policy knows its own style sheet, and refuses any other."""
    return base64.b64encode(hashlib.sha256(str(style).encode()).digest()).decode()


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalised,
    )
    environment.filters["digest"] = _digest
    environment.filters["many"] = _many
    return environment.get_template("report.html")
