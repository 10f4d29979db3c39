"""What was published, what was held, and why."""

from __future__ import annotations

from dataclasses import dataclass

from checks.report.content import DatasetSection, Section, SourceSection, counted
from checks.report.plots import Plot, rows_plot
from checks.report.sanitising import safe_finding, safe_link, safe_text
from checks.report.wording import (
    DATASET_STATES,
    OPERATOR,
    SOURCE_STATES,
    day_words,
    many,
    row_word,
    title_of,
    who_mends,
)
from warehouse.declarations import Severity
from warehouse.turns import TO_MEND


@dataclass(frozen=True)
class Published:
    """A dataset that has a release."""

    anchor: str
    title: str
    tone: str
    mark: str
    word: str
    outcome: str
    url: str | None
    rows: str
    plot: Plot | None


@dataclass(frozen=True)
class Halted:
    """A source or a dataset that did not go on."""

    title: str
    what: str  # source or dataset
    tone: str
    mark: str
    word: str
    outcome: str
    why: str
    whose: str
    anchor: str | None


def published(section: DatasetSection) -> Published:
    """A dataset's release as the page shows it.

    Raises:
        ValueError: it has none.
    """
    release = section.release
    if release is None:
        raise ValueError("only what has a release was published")
    tone, mark, word = DATASET_STATES.get(section.state, ("calm", "○", safe_text(section.state)))
    changes = f"{release.added:,} added, {release.changed:,} changed, {release.removed:,} removed"
    version = safe_text(release.version)
    if section.state == "released":
        before = safe_text(release.previous_version or "")
        outcome = f"version {version} since {before}: {changes}." if before else f"version {version}, the first."
    elif section.state == "unchanged":
        outcome = f"version {version} stays; nothing in it changed."
    else:
        outcome = f"the portal keeps version {version}, the last good one."
    return Published(
        anchor=f"dataset-{section.declaration.name}",
        title=title_of(section),
        tone=tone,
        mark=mark,
        word=word,
        outcome=outcome[0].upper() + outcome[1:],
        url=safe_link(section.url),
        rows=many(release.rows, row_word(section.declaration.table)),
        plot=rows_plot(section.history),
    )


def halted_source(section: SourceSection) -> Halted:
    """A source that did not go on: what stands in, and why."""
    tone, mark, word = SOURCE_STATES[section.state]
    if section.state == "late":
        outcome = f"The data of {day_words(section.snapshot.data_date)} stand." if section.snapshot else ""
    elif section.stale_since:
        outcome = f"Data of {day_words(section.stale_since)}, the last good ones, stand in."
    else:
        outcome = "There are no earlier good data that could stand in."
    mend = counted(section, *TO_MEND)
    return Halted(
        title=title_of(section),
        what="Source",
        tone=tone,
        mark=mark,
        word=word,
        outcome=outcome,
        why=_why(section),
        whose=who_mends(section) if mend else OPERATOR,
        anchor=f"mend-{section.declaration.name}" if mend else None,
    )


def halted_dataset(section: DatasetSection) -> Halted:
    """A dataset without a new version: what the portal keeps, and why."""
    tone, mark, word = DATASET_STATES[section.state]
    if section.release:
        outcome = f"The portal keeps version {safe_text(section.release.version)}, the last good one."
    else:
        outcome = "Nothing of it has been published so far."
    mend = counted(section, *TO_MEND)
    whose = {"waiting": "Nobody: it goes on by itself once its sources are good", "failed": OPERATOR}
    return Halted(
        title=title_of(section),
        what="Dataset",
        tone=tone,
        mark=mark,
        word=word,
        outcome=outcome,
        why=_why(section),
        whose=whose.get(section.state) or who_mends(section),
        anchor=f"mend-{section.declaration.name}" if mend else None,
    )


def _why(section: Section) -> str:
    """The reason given, else what the worst findings say."""
    if section.message.strip():
        return safe_text(section.message)
    worst = [f for f in section.findings if f.severity is Severity.CRITICAL] or [
        f for f in section.findings if f.severity is Severity.ERROR
    ]
    said = list(dict.fromkeys(safe_text(safe_finding(f, section.tables)[0].message) for f in worst))
    more = f" And {many(len(said) - 3, 'more reason')}." if len(said) > 3 else ""
    return " ".join(said[:3]) + more if said else "No reason was given."
