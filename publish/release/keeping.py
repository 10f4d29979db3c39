"""Which versions of a dataset are kept, and why each.

The rule is the catalogue entry's (``keep:``). A version may go only if each of its rows that the latest lacks is
in another one that stays: rows are told by their key. Values that a row had once may go with a version.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb

from publish.desired import DesiredVersion
from publish.release.since import rows_of
from warehouse.database import opened
from warehouse.declarations import literal, quote
from warehouse.declarations.keeping import Keeping
from warehouse.releases import Release, ReleaseError

Lacking = Mapping[frozenset[str], int]  # how many rows the latest lacks, by the versions that have them


def to_keep(
    releases: Sequence[Release],
    today: date,
    keep: Keeping,
    lacking: Lacking,
    made: Mapping[str, date] | None = None,
) -> dict[str, str]:
    """The versions that stay, each with the reason in words.

    Args:
        releases: those whose files are there, in any order.
        today: the day of the run.
        keep: the rule.
        lacking: see ``lacking_rows``; it may leave out rows that a version has which stays ``by_rule``.
        made: on which day a version was made, where that is known; else the date of its data counts.
    """
    kept = by_rule(releases, today, keep, made or {})
    others: list[str] = []
    newest_first = [one.version for one in sorted(releases, key=lambda one: one.order, reverse=True)]
    for version in newest_first:
        if version not in kept and _own(version, lacking, {*kept, *others}):
            others.append(version)
    for version in tuple(others):  # an older one may have all that a newer one is kept for
        rest = {*kept, *others} - {version}
        if not _own(version, lacking, rest):
            others.remove(version)
    reasons = {one: _own(one, lacking, {*kept, *others} - {one}) for one in others}
    for version, rows in reasons.items():
        kept[version] = f"no other one that is kept has {rows:,} of its rows, which the latest lacks"
    return kept


def _own(version: str, lacking: Lacking, others: Collection[str]) -> int:
    """How many rows that the latest lacks a version has and others have not."""
    return sum(n for held_by, n in lacking.items() if version in held_by and held_by.isdisjoint(others))


def by_rule(releases: Sequence[Release], today: date, keep: Keeping, made: Mapping[str, date]) -> dict[str, str]:
    """The versions that stay whatever their rows are, each with the reason in words."""
    if not releases:
        return {}
    ordered = sorted(releases, key=lambda one: one.order)
    latest, versions = ordered[-1], {one.version for one in releases}
    kept = {latest.version: "the latest"}
    if latest.previous_version in versions:
        kept.setdefault(str(latest.previous_version), "the latest is compared with it")
    kept.setdefault(ordered[0].version, "the first, before which there is nothing")
    for version, why in _of_former_majors(ordered, today, keep, made):
        kept.setdefault(version, why)
    for version, why in _by_age(ordered, today, keep):
        kept.setdefault(version, why)
    return kept


def _by_age(ordered: Sequence[Release], today: date, keep: Keeping) -> Iterable[tuple[str, str]]:
    last_of: dict[str, str] = {}
    for release in ordered:
        age = (today - release.data_date).days
        if age <= keep.all_days:
            yield release.version, f"its data are no older than {keep.all_days} days"
        last_of[f"{release.data_date:%Y}"] = release.version
        if age <= keep.monthly_days:
            last_of[f"{release.data_date:%Y-%m}"] = release.version
    for span, version in last_of.items():
        yield version, f"the last one of {span}"


def _of_former_majors(
    ordered: Sequence[Release], today: date, keep: Keeping, made: Mapping[str, date]
) -> Iterable[tuple[str, str]]:
    """The last one of each former major version, and the first of the next, from which its time is counted."""
    for former, following in pairwise(ordered):
        if former.major >= following.major:
            continue
        since = max(made.get(following.version, following.data_date), following.data_date)
        until = since + timedelta(days=keep.major_days)
        if today <= until:
            yield former.version, f"the last one before major version {following.major}, kept until {until}"
            yield following.version, f"the first one of major version {following.major}"


def lacking_rows(versions: Sequence[DesiredVersion], staying: Iterable[str], memory: str) -> Lacking:
    """How many rows the latest lacks, by the versions that have them; without those that a staying one has.

    A row of another key than today's is one that the latest lacks: nobody can tell whether it has it.

    Args:
        versions: all that are there, newest first.
        staying: versions that are kept in any case, the latest among them.
        memory: DuckDB's memory limit, e.g. ``"4GB"``.

    Raises:
        ReleaseError: a version's files are missing or cannot be read.
    """
    safe = set(staying)
    parts = []
    for version in versions:
        rows = rows_of(version)
        pairs = ", ".join(f"{quote(name)} := CAST({quote(name)} AS VARCHAR)" for name in sorted(rows.key))
        name = literal(version.release.version)
        parts.append(
            f"SELECT {name} AS version, CAST(to_json(struct_pack({pairs})) AS VARCHAR) AS key FROM {rows.sql}"
        )
    kept = ", ".join(map(literal, sorted(safe)))
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            opened(None, temporary=Path(folder), memory=memory) as connection,
        ):
            found = connection.execute(
                "SELECT versions, count(*) FROM (SELECT list(version ORDER BY version) AS versions FROM"
                f" ({' UNION ALL '.join(parts)}) GROUP BY key HAVING NOT bool_or(version IN ({kept})))"
                " GROUP BY versions"
            ).fetchall()
    except duckdb.Error as error:
        raise ReleaseError(
            f"{versions[0].release.dataset}: the rows of its versions cannot be read: {error}"
        ) from error
    return {frozenset(held_by): int(count) for held_by, count in found}
