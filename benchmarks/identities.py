"""How well names are reconciled, and how long it takes against the whole register.

    python -m benchmarks.identities [--rows 5500000] [--names 1000] [--labelled tests/warehouse/labelled]

Quality: precision and recall of automatic matches on the labelled names (``dev.labelled_names`` says how they are
made), for the half that the weights were chosen by and for the half that was held out. Scale: names among those of
a synthetic register, against an exact join of the same names in the same run.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.database import connect
from warehouse.identities import reconcile

LABELLED = Path(__file__).resolve().parents[1] / "tests" / "warehouse" / "labelled"


@dataclass(frozen=True)
class Quality:
    """What automatic matches are worth: how many were right, how many wrong, and how many there should be."""

    right: int
    wrong: int
    wanted: int

    @property
    def precision(self) -> float:
        """The share of automatic matches that are right."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """The share of names with an organisation that were matched with it."""
        return self.right / self.wanted if self.wanted else 1.0


def load_labelled(connection: duckdb.DuckDBPyConnection, folder: Path = LABELLED) -> None:
    """Make the two input views of the labelled names, and ``labelled`` with what is true."""
    connection.execute(f"""
        CREATE SCHEMA IF NOT EXISTS core;
        CREATE TABLE labelled AS FROM read_csv('{folder / "mentions.csv"}', comment = '#', all_varchar = true);
        CREATE TABLE core.register_names AS
        SELECT * REPLACE (
            is_current::BOOLEAN AS is_current, from_date::DATE AS from_date, until_date::DATE AS until_date,
            founded_date::DATE AS founded_date, ended_date::DATE AS ended_date
        ) FROM read_csv('{folder / "register.csv"}', comment = '#', all_varchar = true);
        CREATE TABLE core.organisation_mentions AS
        SELECT 'lists' AS source_code, 'names' AS table_code, mention AS record_key, 1 AS mention_number,
               mentioned_name, NULL::VARCHAR AS scheme_code, NULL::VARCHAR AS local_id, postcode, city,
               country_code, mention_date::DATE AS mention_date
        FROM labelled""")


def judged(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, str | None, str | None]]:
    """The labelled names with what came out: part, made_by, mentioned_name, true org-id, automatic org-id."""
    return connection.execute("""
        SELECT l.part, l.made_by, l.mentioned_name, l.org_id, m.org_id
        FROM labelled AS l LEFT JOIN identity_matches AS m
            ON m.record_key = l.mention AND m.state_code = 'automatic' AND m.candidate_number = 1
        ORDER BY l.mention::INTEGER""").fetchall()


def quality(rows: Sequence[tuple[str, str, str, str | None, str | None]]) -> Quality:
    """What automatic matches on these names are worth."""
    right = sum(found is not None and found == true for *_, true, found in rows)
    wrong = sum(found is not None and found != true for *_, true, found in rows)
    return Quality(right, wrong, sum(true is not None for *_, true, _ in rows))


def measure_quality(folder: Path) -> None:
    """Print precision and recall by part and by how the names are made, and each wrong match."""
    with tempfile.TemporaryDirectory() as temporary, connect(None, temporary=Path(temporary)) as connection:
        load_labelled(connection, folder)
        reconcile(connection)
        rows = judged(connection)
    print(f"{'names':<28}{'count':>7}{'right':>7}{'wrong':>7}{'precision':>11}{'recall':>8}")
    for part in ("tuned", "held_out"):
        _print(part, [row for row in rows if row[0] == part])
    for made_by in dict.fromkeys(row[1] for row in rows):
        _print(f"  {made_by}", [row for row in rows if row[1] == made_by])
    for part, made_by, name, true, found in rows:
        if found and found != true:
            print(f"wrong: {part}, {made_by}: {name!r} is {true or 'none'}, not {found}")


def _print(what: str, rows: Sequence[tuple[str, str, str, str | None, str | None]]) -> None:
    found = quality(rows)
    print(
        f"{what:<28}{len(rows):>7}{found.right:>7}{found.wrong:>7}{found.precision:>11.4f}"
        + (f"{found.recall:>8.4f}" if found.wanted else f"{'-':>8}")
    )


def make_names(connection: duckdb.DuckDBPyConnection, rows: int, names: int) -> None:
    """Make the two input views: a register of ``rows`` names, and ``names`` of them in other writing."""
    from dev.synthetic_register import _macros

    for macro in _macros():
        connection.execute(macro)
    ending = "CASE WHEN h(i, 5) % 5 < 2 THEN ' LTD' ELSE ' LIMITED' END"
    # a rare word in every second name: in the real register most names have one
    rare = (
        "CASE WHEN h(i, 6) % 2 = 0 THEN translate(to_hex(h(i, 8)), '0123456789', 'GHIJKLMNOP') || ' ' ELSE '' END"
    )
    connection.execute(f"""
        CREATE SCHEMA core;
        CREATE TABLE core.register_names AS
        SELECT 'GB-COH' AS scheme_code, lpad(i::VARCHAR, 8, '0') AS local_id,
               {rare} || company_name(h(i, 2), h(i, 3), {ending}) AS register_name, true AS is_current,
               NULL::DATE AS from_date, NULL::DATE AS until_date,
               DATE '2000-01-01' + (i % 7000)::INTEGER AS founded_date,
               NULL::DATE AS ended_date, outward(h(i, 9)) || ' ' || inward(h(i, 10)) AS postcode,
               town(h(i, 9)) AS city, 'GB' AS country_code
        FROM range({rows}) AS t (i);
        CREATE TABLE core.organisation_mentions AS
        SELECT 'lists' AS source_code, 'names' AS table_code, local_id AS record_key, 1 AS mention_number,
               CASE position % 3
                   WHEN 0 THEN register_name
                   WHEN 1 THEN regexp_replace(register_name, ' (LTD|LIMITED)$', '')
                   ELSE left(register_name, 5) || substr(register_name, 7) END AS mentioned_name,
               NULL::VARCHAR AS scheme_code, NULL::VARCHAR AS local_id,
               CASE WHEN position % 2 = 0 THEN postcode END AS postcode, NULL::VARCHAR AS city,
               'GB' AS country_code, NULL::DATE AS mention_date
        FROM (
            SELECT *, row_number() OVER (ORDER BY local_id) AS position
            FROM core.register_names WHERE local_id::BIGINT % {max(1, rows // names)} = 7
        ) LIMIT {names}""")


def exact_join(connection: duckdb.DuckDBPyConnection) -> None:
    """The least that anybody would do: names that are the same letter by letter."""
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE exact AS
        SELECT m.record_key, r.local_id FROM core.organisation_mentions AS m
        JOIN core.register_names AS r ON upper(trim(r.register_name)) = upper(trim(m.mentioned_name))""")


def _timed(what: str, work: Callable[[], None]) -> None:
    started, used = time.perf_counter(), time.process_time()
    work()
    print(f"{what:<28}{time.perf_counter() - started:>8.1f} s{time.process_time() - used:>8.1f} cpu s")


def measure_scale(rows: int, names: int) -> None:
    """Print how long it takes to find the names in a register, and the peak memory of this process."""
    with tempfile.TemporaryDirectory() as temporary, connect(None, temporary=Path(temporary)) as connection:
        connection.execute("SET enable_progress_bar = false")
        make_names(connection, rows, names)
        _timed("exact join", lambda: exact_join(connection))
        _timed("reconciled", lambda: reconcile(connection))
        asked, exact, found = connection.execute("""
            SELECT (SELECT count(*) FROM core.organisation_mentions),
                   (SELECT count(DISTINCT record_key) FROM exact),
                   (SELECT count(*) FROM identity_matches WHERE candidate_number = 1)""").fetchone() or (0, 0, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
    print(f"{asked:,} names among {rows:,}: {exact:,} found exactly, {found:,} found; peak {peak:,.0f} MB")


def main() -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identities", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_500_000)
    parser.add_argument("--names", type=int, default=1000)
    parser.add_argument("--labelled", type=Path, default=LABELLED)
    given = parser.parse_args()
    measure_quality(given.labelled)
    measure_scale(given.rows, given.names)


if __name__ == "__main__":
    main()
