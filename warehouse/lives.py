"""What became of findings: new, open since, back again, fixed, accepted until; and how many since a day.

The lives are spells in the ledger (``warehouse.ledger.life_log``), kept up whenever a verdict is noted. A finding
is the same one for as long as it has the same ``finding_id``, wherever its row stands (``warehouse.finding_ids``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from warehouse import ledger
from warehouse.database import fetch
from warehouse.declarations import Severity
from warehouse.findings import Finding
from warehouse.ledger import Connection
from warehouse.sql import day_literal, literal

# An info finding says what was read, corrected or accepted; nobody has to do anything about it.
COUNTED = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING)


class Stage(StrEnum):
    """Where in its life a finding is."""

    NEW = "new"  # with the snapshot spoken of, and never before
    OPEN = "open"  # for longer
    BACK = "back"  # with the snapshot spoken of, after it had been fixed
    FIXED = "fixed"  # by the snapshot spoken of
    ACCEPTED = "accepted"  # it is there, and costs nothing until a day


@dataclass(frozen=True)
class Life:
    """A finding's life as of a snapshot.

    ``since``: the date of the data with which it came, or with which it was fixed. ``times_back``: how often it
    came back after it was fixed. ``accepted_until`` and ``reason`` are those of an accepted exception; with
    another stage than accepted, that has run out.
    """

    finding_id: str
    stage: Stage
    since: date
    times_back: int = 0
    accepted_until: date | None = None
    reason: str = ""


@dataclass(frozen=True)
class Tally:
    """What became of findings since a day, those that only inform left out: ``fixed`` of ``open_then``.

    ``open_then`` were there after the last verdict of that day or before it; of them ``still_open`` are there.
    ``new`` and ``back`` came since and are there. What is ``accepted`` now is counted under none of these three.
    """

    open_then: int
    fixed: int
    still_open: int
    new: int
    back: int
    accepted: int


def lives(connection: Connection, subject: str, snapshot_id: str) -> Mapping[str, Life]:
    """By finding_id, the life of all that was open after a snapshot of a source (or a dataset's date) was judged.

    What the snapshot fixed is among them. Empty for one that moved no life: a late one of an older date, or one
    judged before lives were kept.
    """
    rows = fetch(
        connection,
        """
        WITH this AS (
            SELECT max(moment) AS moment FROM ledger.moments WHERE subject = $subject AND snapshot_id = $snapshot
        ), told AS (
            SELECT s.*, s.closed_moment IS NOT DISTINCT FROM this.moment AS is_fixed,
                   s.opened_moment = this.moment AS is_new
            FROM ledger.spells AS s, this
            WHERE s.subject = $subject AND s.opened_moment <= this.moment
              AND coalesce(
                  s.closed_moment > this.moment OR s.closed_moment = this.moment AND s.closing = 'fixed', true)
        )
        SELECT t.finding_id, t.is_fixed, t.is_new, CASE WHEN t.is_fixed THEN t.closed_date ELSE t.opened_date END,
               (SELECT count(*) FROM ledger.spells AS e WHERE e.subject = $subject AND e.finding_id = t.finding_id
                  AND e.closing = 'fixed' AND e.closed_moment < t.opened_moment),
               a.until_date, a.reason, coalesce(a.is_in_force, false)
        FROM told AS t LEFT JOIN (
            SELECT finding_id, max(until_date) AS until_date, max_by(reason, until_date) AS reason,
                   bool_or(is_in_force) AS is_in_force
            FROM ledger.accepted WHERE subject = $subject AND snapshot_id = $snapshot GROUP BY finding_id
        ) AS a ON a.finding_id = t.finding_id AND NOT t.is_fixed
        """.replace("$subject", literal(subject)).replace("$snapshot", literal(snapshot_id)),
    )
    return {
        finding_id: Life(
            finding_id, _stage(fixed, in_force, new, int(back)), since, int(back), until, reason or ""
        )
        for finding_id, fixed, new, since, back, until, reason, in_force in rows
    }


def lives_to_be(
    connection: Connection, subject: str, finding_ids: Collection[str], day: date
) -> Mapping[str, Life]:
    """By finding_id, the lives that findings would have with a snapshot of a day which nobody has judged yet.

    What was open and is not among them is fixed by it. Those that only inform are left out.
    """
    counted = ", ".join(literal(one.value) for one in COUNTED)
    rows = fetch(
        connection,
        f"""
        SELECT finding_id, arg_max(opened_date, opened_moment), bool_or(closed_moment IS NULL),
               count(*) FILTER (closing = 'fixed')
        FROM ledger.spells WHERE subject = {literal(subject)} AND severity IN ({counted}) GROUP BY finding_id""",
    )
    known = {finding_id: (since, is_open, int(back)) for finding_id, since, is_open, back in rows}
    found = {}
    for one in finding_ids:
        since, is_open, back = known.get(one, (day, False, 0))
        stage = Stage.OPEN if is_open else Stage.BACK if back else Stage.NEW
        found[one] = Life(one, stage, since if is_open else day, back)
    gone = {
        one: Life(one, Stage.FIXED, day, back)
        for one, (_, is_open, back) in known.items()
        if is_open and one not in found
    }
    return {**found, **gone}


def _stage(is_fixed: bool, is_in_force: bool, is_new: bool, times_back: int) -> Stage:
    if is_fixed:
        return Stage.FIXED
    if is_in_force:
        return Stage.ACCEPTED
    if not is_new:
        return Stage.OPEN
    return Stage.BACK if times_back else Stage.NEW


def fixed(connection: Connection, subject: str, snapshot_id: str) -> list[Finding]:
    """What a snapshot fixed, as it was last found; worst first."""
    of_subject = f"subject = {literal(subject)}"
    relation = f"""(
        SELECT f.* FROM ledger.findings AS f
        JOIN (SELECT finding_id, closed_moment FROM ledger.spells
              WHERE {of_subject} AND closing = 'fixed' AND closed_moment = (
                  SELECT max(moment) FROM ledger.moments
                  WHERE {of_subject} AND snapshot_id = {literal(snapshot_id)}
              )) AS s ON s.finding_id = f.finding_id
        JOIN ledger.moments AS l
          ON l.subject = f.subject AND l.snapshot_id = f.snapshot_id AND l.moment < s.closed_moment
        WHERE f.{of_subject}
        QUALIFY row_number() OVER (PARTITION BY f.finding_id ORDER BY l.moment DESC) = 1)"""
    return ledger.read_findings(connection, relation)


def tally(connection: Connection, subject: str, since: date, severities: Collection[Severity] = COUNTED) -> Tally:
    """What became of a source's or a dataset's findings since a day: "14 of 17 fixed since Monday"."""
    of_subject = f"subject = {literal(subject)}"
    counted = ", ".join(literal(one.value) for one in severities)
    day = day_literal(since)
    rows = fetch(
        connection,
        f"""
        WITH spells AS (FROM ledger.spells WHERE {of_subject}),
        accepted AS (
            SELECT DISTINCT finding_id FROM ledger.accepted
            WHERE {of_subject} AND is_in_force AND snapshot_id = (
                SELECT snapshot_id FROM ledger.moments WHERE {of_subject} ORDER BY moment DESC LIMIT 1)
        ),
        each AS (
            SELECT s.finding_id,
                   bool_or(opened_date <= {day} AND (closed_date IS NULL OR closed_date > {day})) AS was_open,
                   bool_or(closed_moment IS NULL) AS is_open,
                   bool_or(closing = 'fixed') AS was_fixed,
                   arg_max(coalesce(closing, 'open'), opened_moment) AS last,
                   any_value(a.finding_id) IS NOT NULL AS is_accepted
            FROM spells AS s LEFT JOIN accepted AS a USING (finding_id)
            GROUP BY s.finding_id
            HAVING arg_max(s.severity, s.opened_moment) IN ({counted})
        )
        SELECT count(*) FILTER (was_open AND last <> 'dropped'),
               count(*) FILTER (was_open AND last = 'fixed'),
               count(*) FILTER (was_open AND is_open AND NOT is_accepted),
               count(*) FILTER (NOT was_open AND is_open AND NOT is_accepted AND NOT coalesce(was_fixed, false)),
               count(*) FILTER (NOT was_open AND is_open AND NOT is_accepted AND coalesce(was_fixed, false)),
               count(*) FILTER (is_open AND is_accepted)
        FROM each""",
    )
    return Tally(*(int(number) for number in rows[0]))
