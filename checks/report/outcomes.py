"""What was published, what was held, and why."""

from __future__ import annotations

from dataclasses import dataclass

from checks.report.content import DatasetSection, Section, SourceSection, how_many
from checks.report.places import Target
from checks.report.plots import Plot, rows_plot
from checks.report.sanitising import safe_finding, safe_link, safe_text
from checks.report.wording import DATASET_STATES, OPERATOR, SOURCE_STATES, day_words, rows_of, title_of, who_mends
from warehouse.declarations import Severity
from warehouse.messages import counted, message, sentences
from warehouse.releases import Release
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
    tone: str
    mark: str
    word: str  # "Source: held"
    outcome: str
    why: str
    whose: str
    target: Target | None


def published(section: DatasetSection) -> Published:
    """A dataset's release as the page shows it.

    Raises:
        ValueError: it has none.
    """
    release = section.release
    if release is None:
        raise ValueError("only what has a release was published")
    tone, mark, word = DATASET_STATES.get(section.state, ("calm", "○", safe_text(section.state)))
    return Published(
        anchor=f"dataset-{section.declaration.name}",
        title=title_of(section),
        tone=tone,
        mark=mark,
        word=word,
        outcome=_outcome(section.state, release),
        url=safe_link(section.url),
        rows=rows_of(section.declaration.table, release.rows),
        plot=rows_plot(section.history),
    )


def _outcome(state: str, release: Release) -> str:
    version = safe_text(release.version)
    before = safe_text(release.previous_version or "")
    if state == "released" and before:
        return message(
            "Version {version} since {before}: {added} added, {changed} changed, {removed} removed.",
            version=version,
            before=before,
            added=release.added,
            changed=release.changed,
            removed=release.removed,
        )
    if state == "released":
        return message("Version {version}, the first.", version=version)
    if state == "unchanged":
        return message("Version {version} stays; nothing in it changed.", version=version)
    return message("The portal keeps version {version}, the last good one.", version=version)


def halted_source(section: SourceSection) -> Halted:
    """A source that did not go on: what stands in, and why."""
    tone, mark, word = SOURCE_STATES[section.state]
    mend = how_many(section, *TO_MEND)
    return Halted(
        title=title_of(section),
        tone=tone,
        mark=mark,
        word=message("Source: {state}", state=word),
        outcome=stands_in(section),
        why=why(section),
        whose=who_mends(section) if mend else OPERATOR,
        target=Target(section.declaration, "mend") if mend else None,
    )


def stands_in(section: SourceSection) -> str:
    """What is used of a source that did not go on."""
    if section.state == "late":
        if section.snapshot is None:
            return ""
        return message("The data of {day} stand.", day=day_words(section.snapshot.data_date))
    if section.stale_since:
        return message("Data of {day}, the last good ones, stand in.", day=day_words(section.stale_since))
    return message("There are no earlier good data that could stand in.")


def halted_dataset(section: DatasetSection) -> Halted:
    """A dataset without a new version: what the portal keeps, and why."""
    tone, mark, word = DATASET_STATES[section.state]
    outcome: str = message("Nothing of it has been published so far.")
    if section.release:
        outcome = _outcome(section.state, section.release)
    mend = how_many(section, *TO_MEND)
    whose: dict[str, str] = {
        "waiting": message("Nobody: it goes on by itself once its sources are good"),
        "failed": OPERATOR,
    }
    return Halted(
        title=title_of(section),
        tone=tone,
        mark=mark,
        word=message("Dataset: {state}", state=word),
        outcome=outcome,
        why=why(section),
        whose=whose.get(section.state) or who_mends(section),
        target=Target(None, f"mend-{section.declaration.name}") if mend else None,
    )


def why(section: Section) -> str:
    """The reason given, else what the worst findings say."""
    if section.message.strip():
        return safe_text(section.message)
    worst = [f for f in section.findings if f.severity is Severity.CRITICAL] or [
        f for f in section.findings if f.severity is Severity.ERROR
    ]
    said = list(dict.fromkeys(safe_text(safe_finding(f, section.tables)[0].message) for f in worst))
    if not said:
        return message("No reason was given.")
    rest = len(said) - 3
    more = counted("And {count} more reason.", "And {count} more reasons.", rest) if rest > 0 else ""
    return sentences(*said[:3], more)
