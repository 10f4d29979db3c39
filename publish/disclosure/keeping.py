"""What was ever decided, kept in the warehouse beside the ledger, where no model can read it.

The schema ``disclosure`` holds, of every population, period and decision: what was published (cells), how it truly
was (atoms, deleted with the people's own answers) and the proof (witnesses: whole tables of people, one number an
atom, that anyone with rights to the warehouse can check by addition). ``looks`` says which decision stands for the
data of a date.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from publish.disclosure.population import Population
from publish.disclosure.results import Audit
from publish.disclosure.tables import Magnitude, Pairs, Period, Protected, Rule, System
from warehouse.curate import PROTECTED, ModelError
from warehouse.database import insert_rows
from warehouse.declarations import TOTAL
from warehouse.home import Home, move_folder
from warehouse.protection import Protection, ProtectionState
from warehouse.sql import literal, quote

_TABLES = """
CREATE SCHEMA IF NOT EXISTS disclosure;
CREATE TABLE IF NOT EXISTS disclosure.decisions (
    population VARCHAR, period VARCHAR, sequence INTEGER,  -- in the order they were published
    as_of DATE NOT NULL, run_id VARCHAR NOT NULL, system VARCHAR NOT NULL,  -- rule, tables, spans, without people
    magnitudes VARCHAR[] NOT NULL,  -- to which the numbers of sums belong
    witness_atoms VARCHAR[] NOT NULL,  -- to which a witness's numbers belong
    warnings VARCHAR[] NOT NULL,
    is_kept BOOLEAN NOT NULL,  -- the people's own answers are deleted: what was published stands for good
    PRIMARY KEY (population, period, sequence)
);
CREATE TABLE IF NOT EXISTS disclosure.cells (
    population VARCHAR, period VARCHAR, sequence INTEGER, cell VARCHAR, datasets VARCHAR[],
    is_suppressed BOOLEAN NOT NULL, people BIGINT, sums DOUBLE[]  -- as published: NULL where suppressed
);
CREATE TABLE IF NOT EXISTS disclosure.atoms (
    population VARCHAR, period VARCHAR, sequence INTEGER, atom VARCHAR, people BIGINT NOT NULL,
    sums DOUBLE[], absolute DOUBLE[], largest DOUBLE[], second DOUBLE[]  -- by magnitude
);
CREATE TABLE IF NOT EXISTS disclosure.witnesses (
    population VARCHAR, period VARCHAR, sequence INTEGER, cell VARCHAR, bound VARCHAR, insider VARCHAR,
    since INTEGER, people BIGINT[][]  -- of each release in turn, by witness_atoms
);
CREATE TABLE IF NOT EXISTS disclosure.looks (
    population VARCHAR, period VARCHAR, as_of DATE, state VARCHAR NOT NULL, sequence INTEGER,
    PRIMARY KEY (population, period, as_of)
);
"""


_COPIED = ("decisions", "cells", "atoms", "witnesses")


_PUT_BACK = "Put the folder back from a backup; until then the last release stands."


class LostDecisionsError(ModelError):
    """What was published of people is not known any more, so nothing new may be."""


class RenamedPeopleError(ModelError):
    """What was published of people was decided under other names than are declared today."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A decision as it is kept. ``protected`` is None where the people's own answers are deleted."""

    sequence: int
    as_of: date
    protected: Protected | None


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the schema ``disclosure`` where it is missing."""
    connection.execute(_TABLES)


def back_up(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Write a second copy of all decisions beside the warehouse, whole or not at all."""
    with home.workspace("disclosure") as workspace:
        built = workspace / "decisions"
        built.mkdir(mode=0o700)
        for table in _COPIED:
            path = literal(str(built / f"{table}.parquet"))
            connection.execute(f"COPY (FROM disclosure.{table} ORDER BY ALL) TO {path} (FORMAT parquet)")
        move_folder(built, home.disclosure)


def restore(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Take over from the second copy the decisions that a warehouse lacks: one that is made anew, one that came
    back from a backup, one whose run was killed before it was done.

    Raises:
        LostDecisionsError: the second copy is not whole.
    """
    create_tables(connection)
    if not home.disclosure.exists():
        return
    paths = {table: home.disclosure / f"{table}.parquet" for table in _COPIED}
    if missing := sorted(path.name for path in paths.values() if not path.is_file()):
        raise LostDecisionsError(
            f"{home.disclosure}: {', '.join(missing)} is missing, and without it what was published of people is"
            f" not known. {_PUT_BACK}"
        )
    place = "population, period, sequence"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE lacking AS SELECT {place} FROM read_parquet($path)"
        f" EXCEPT SELECT {place} FROM disclosure.decisions",
        {"path": str(paths["decisions"])},
    )
    if connection.execute("SELECT count(*) FROM temp.lacking").fetchone() != (0,):
        for table, path in paths.items():
            connection.execute(
                f"INSERT INTO disclosure.{table} BY NAME"
                f" SELECT * FROM read_parquet({literal(str(path))}) SEMI JOIN temp.lacking USING ({place})"
            )
    connection.execute("DROP TABLE temp.lacking")


def require_known(connection: duckdb.DuckDBPyConnection, population: Population, home: Home) -> None:
    """That what was released of a population's people is known here, under the names that are declared today.

    Raises:
        LostDecisionsError: there are releases of its datasets, and no decisions.
        RenamedPeopleError: they were decided upon under another population or by other columns of the period.
    """
    decided = connection.execute(
        "SELECT population, any_value(system) FROM disclosure.decisions GROUP BY population, system->'period'"
    ).fetchall()
    own = [tuple(json.loads(system)["period"]) for name, system in decided if name == population.name]
    where = f"publish/catalogue: disclosure of {', '.join(population.datasets)}"
    why = "What leaves now could not be compared with what was published, and would tell of people by differences."
    if other := [columns for columns in own if columns != population.first.period]:
        raise RenamedPeopleError(
            f"{where}: its period is {', '.join(population.first.period)}, and was {', '.join(other[0])} when"
            f" something was published. {why} Declare the period as it was."
        )
    (others,) = connection.execute(
        "SELECT list(DISTINCT population) FROM disclosure.cells"
        " WHERE population <> ? AND list_has_any(datasets, ?)",
        [population.name, list(population.datasets)],
    ).fetchone() or (None,)
    if others:
        raise RenamedPeopleError(
            f"{where}: its population is {population.name}, and was {', '.join(sorted(others))} when something was"
            f" published. {why} Call the population as it was called."
        )
    if not own and (released := [name for name in population.datasets if any(_releases(home, name))]):
        raise LostDecisionsError(
            f"{', '.join(released)}: there are releases, and what was decided for them is neither in the warehouse"
            f" nor in {home.disclosure}. {why} {_PUT_BACK}"
        )


def take_over(connection: duckdb.DuckDBPyConnection, population: Population, periods: Collection[Period]) -> None:
    """Let periods know what was decided of the same people when something about them was called otherwise.

    Args:
        connection: writes to the warehouse.
        population: theirs.
        periods: those of tonight, each of other people.
    """
    decided = connection.execute(
        "SELECT DISTINCT period FROM disclosure.decisions WHERE population = ?", [population.name]
    ).fetchall()
    by_identity: dict[Period, list[Period]] = {}
    for (text,) in decided:
        period = tuple(json.loads(text))
        by_identity.setdefault(population.identity_of(period), []).append(period)
    for period in periods:
        for other in by_identity.get(population.identity_of(period), []):
            if other != period:
                _copy_decisions(connection, population.name, other, period)


def _copy_decisions(connection: duckdb.DuckDBPyConnection, population: str, one: Period, other: Period) -> None:
    """Decisions of one period under another one's name, as far as that has none at their place in the order."""
    values = {"population": population} | {
        name: json.dumps(period, ensure_ascii=False) for name, period in (("one", one), ("other", other))
    }
    (known,) = connection.execute(
        "SELECT coalesce(max(sequence), 0) FROM disclosure.decisions WHERE population = $1 AND period = $2",
        [population, values["other"]],
    ).fetchone() or (0,)
    for table in _COPIED:
        connection.execute(
            f"INSERT INTO disclosure.{table} BY NAME SELECT * REPLACE ($other AS period) FROM disclosure.{table}"
            " WHERE population = $population AND period = $one AND sequence > $known",
            values | {"known": known},
        )


def _releases(home: Home, dataset: str) -> Iterator[Path]:
    return (home.releases / dataset).glob("*/")


def as_text(pairs: Pairs) -> str:
    """A cell or an atom as it is stored: JSON with its columns in order."""
    return json.dumps(dict(sorted(pairs)), ensure_ascii=False)


def from_text(text: str) -> Pairs:
    """What ``as_text`` wrote."""
    return frozenset(json.loads(text).items())


def decisions(connection: duckdb.DuckDBPyConnection, population: str) -> dict[Period, list[Kept]]:
    """By period, what was ever published of a population, in that order."""
    found: dict[Period, list[Kept]] = {}
    for period, sequence, as_of, system, is_kept in connection.execute(
        "SELECT period, sequence, as_of, system, is_kept FROM disclosure.decisions WHERE population = ?"
        " ORDER BY period, sequence",
        [population],
    ).fetchall():
        protected = None if is_kept else _protected(connection, (population, period, sequence), json.loads(system))
        found.setdefault(tuple(json.loads(period)), []).append(Kept(sequence, as_of, protected))
    return found


def hidden_cells(
    connection: duckdb.DuckDBPyConnection, population: str, periods: Collection[Period]
) -> frozenset[Pairs]:
    """The cells that were suppressed in any release of periods, also where people's own answers are deleted."""
    rows = connection.execute(
        "SELECT DISTINCT cell FROM disclosure.cells"
        " WHERE population = ? AND is_suppressed AND list_contains(?, period)",
        [population, [json.dumps(period, ensure_ascii=False) for period in periods]],
    ).fetchall()
    return frozenset(from_text(cell) for (cell,) in rows)


def _protected(
    connection: duckdb.DuckDBPyConnection, place: tuple[str, str, int], described: dict[str, Any]
) -> Protected:
    where = "population = ? AND period = ? AND sequence = ?"
    rows = connection.execute(
        f"SELECT atom, people, sums, absolute, largest, second FROM disclosure.atoms WHERE {where}", list(place)
    ).fetchall()
    by_atom = sorted(((from_text(atom), rest) for atom, *rest in rows), key=lambda one: sorted(one[0]))
    columns = [np.array([rest[number] for _, rest in by_atom]) for number in range(5)]
    magnitudes = tuple(
        Magnitude(name, minimum, maximum, *(columns[number][:, position] for number in range(1, 5)))
        for position, (name, minimum, maximum) in enumerate(described["magnitudes"])
    )
    system = System(
        Rule(described["threshold"], described["p_percent"]),
        {name: tuple(tuple(one) for one in table) for name, table in described["tables"].items()},
        tuple(atom for atom, _ in by_atom),
        columns[0].astype(np.int64),
        magnitudes,
    )
    hidden = {
        from_text(cell)
        for (cell,) in connection.execute(
            f"SELECT cell FROM disclosure.cells WHERE {where} AND is_suppressed", list(place)
        ).fetchall()
    }
    return Protected(system, np.array([cell in hidden for cell in system.cells], dtype=np.bool_))


def keep(
    connection: duckdb.DuckDBPyConnection,
    population: Population,
    period: Period,
    decided: tuple[Protected, Audit],
    made: tuple[date, str],
) -> int:
    """Keep a new decision and its proof; gives its place in the order. ``made``: the data's date, and the run."""
    (protected, audit), (as_of, run_id), key = decided, made, json.dumps(period, ensure_ascii=False)
    system = protected.system
    (last,) = connection.execute(
        "SELECT coalesce(max(sequence), 0) FROM disclosure.decisions WHERE population = ? AND period = ?",
        [population.name, key],
    ).fetchone() or (0,)
    place = (population.name, key, int(last) + 1)
    described = {
        "period": population.first.period,
        "threshold": system.rule.threshold,
        "p_percent": system.rule.p_percent,
        "tables": dict(system.tables),
        "magnitudes": [(one.name, one.minimum, one.maximum) for one in system.magnitudes],
    }
    warnings = [warning.why for warning in audit.warnings]
    atoms = [as_text(atom) for atom in audit.atoms]
    names = [one.name for one in system.magnitudes]
    row = (*place, as_of, run_id, json.dumps(described, ensure_ascii=False), names, atoms, warnings, False)
    _insert(connection, "decisions", [row])
    _insert(connection, "cells", [(*place, *cell) for cell in _cells(protected)])
    _insert(connection, "atoms", [(*place, *atom) for atom in _atoms(system)])
    _insert(
        connection,
        "witnesses",
        [
            (
                *place,
                as_text(one.cell),
                one.bound,
                None if one.insider is None else as_text(one.insider),
                one.since,
                [[int(count) for count in table] for table in one.tables],
            )
            for one in audit.witnesses
        ],
    )
    return place[-1]


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Rows with lists in them: a proof is hundreds of tables of people."""
    import pyarrow

    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        given = pyarrow.table(columns, names=[f"c{number}" for number in range(len(columns))])
        connection.from_arrow(given).insert_into(f"disclosure.{table}")


def _cells(protected: Protected) -> list[tuple[Any, ...]]:
    system = protected.system
    of_datasets = {name: system.cells_of(name) for name in system.tables}
    sums = [system.sums(one) for one in system.magnitudes]
    return [
        (
            as_text(cell),
            [name for name, cells in of_datasets.items() if cell in cells],
            bool(protected.suppressed[row]),
            None if protected.suppressed[row] else int(system.counts[row]),
            None if protected.suppressed[row] else [float(one[row]) for one in sums],
        )
        for row, cell in enumerate(system.cells)
    ]


def _atoms(system: System) -> list[tuple[Any, ...]]:
    return [
        (
            as_text(atom),
            int(system.people[number]),
            *(
                [float(getattr(one, part)[number]) for one in system.magnitudes]
                for part in ("sums", "absolute", "largest", "second")
            ),
        )
        for number, atom in enumerate(system.atoms)
    ]


def look(
    connection: duckdb.DuckDBPyConnection,
    population: str,
    as_of: date,
    seen: Sequence[tuple[Period, ProtectionState, int | None]],
) -> None:
    """Note which decisions stand for the data of a date: by period its state and place, None if nothing is
    published of it.
    """
    connection.execute("DELETE FROM disclosure.looks WHERE population = ? AND as_of = ?", [population, as_of])
    rows = [
        (population, json.dumps(period, ensure_ascii=False), as_of, state, place) for period, state, place in seen
    ]
    insert_rows(connection, "disclosure.looks", rows)


def is_first_look(
    connection: duckdb.DuckDBPyConnection, population: str, period: Period, place: int, made: tuple[date, str]
) -> bool:
    """Whether a decision stands for the first time: made in this run, or in one that was killed before its end.
    ``made``: the data's date, and the run.
    """
    rows = connection.execute(
        "SELECT 1 FROM disclosure.decisions AS d WHERE population = $1 AND period = $2 AND sequence = $3"
        " AND as_of = $4 AND (run_id = $5 OR NOT EXISTS (FROM disclosure.looks AS l WHERE l.population = $1"
        " AND l.period = $2 AND l.sequence = $3))",
        [population, json.dumps(period, ensure_ascii=False), place, *made],
    ).fetchall()
    return bool(rows)


def show(connection: duckdb.DuckDBPyConnection, population: Population, dataset: str, as_of: date) -> None:
    """Make ``protected.<population>``: the cells of one dataset's table that stand for the data of a date."""
    first = population.first
    columns = [column for dimension in population.declared[dataset].dimensions for column in dimension]
    named = ", ".join(literal(column) for column in columns)
    period = [
        f"json_extract_string(c.period, '$[{place}]') AS {quote(column)}"
        for place, column in enumerate(first.period)
    ]
    codes = [
        f"""coalesce(json_extract_string(c.cell, '$."{column}"'), '{TOTAL}') AS {quote(column)}"""
        for column in columns
    ]
    sums = [
        f"c.sums[list_position(d.magnitudes, {literal(one.column)})] AS {quote(one.column + '_sum')}"
        for one in first.magnitudes
    ]
    listed = ", ".join([*period, *codes, "c.people AS people_count", *sums])
    connection.execute(f"""
        CREATE SCHEMA IF NOT EXISTS {PROTECTED};
        CREATE OR REPLACE TABLE {PROTECTED}.{quote(population.name)} AS
        SELECT {listed}, CASE WHEN c.is_suppressed THEN 'suppressed' ELSE 'published' END AS status_code
        FROM disclosure.looks AS l
        INNER JOIN disclosure.decisions AS d USING (population, period, sequence)
        INNER JOIN disclosure.cells AS c USING (population, period, sequence)
        WHERE l.population = {literal(population.name)} AND l.as_of = '{as_of}'
            AND list_contains(c.datasets, {literal(dataset)})
            -- what stands may be of a time when the dataset had dimensions that it has no more
            AND list_has_all([{named}], json_keys(c.cell))""")


def protections(
    connection: duckdb.DuckDBPyConnection, population: str, dataset: str, as_of: date
) -> tuple[Protection, ...]:
    """What became of a dataset's table in every period, for the data of a date."""
    rows = connection.execute(
        """
        SELECT l.period, l.state, d.as_of, d.warnings, count(c.cell), count(c.cell) FILTER (WHERE c.is_suppressed)
        FROM disclosure.looks AS l
        LEFT JOIN disclosure.decisions AS d USING (population, period, sequence)
        LEFT JOIN disclosure.cells AS c
            ON l.population = c.population AND l.period = c.period AND l.sequence = c.sequence
            AND list_contains(c.datasets, $dataset)
        WHERE l.population = $population AND l.as_of = $as_of
        GROUP BY ALL ORDER BY l.period""",
        {"population": population, "dataset": dataset, "as_of": as_of},
    ).fetchall()
    return tuple(
        Protection(tuple(json.loads(period)), state, cells, suppressed, day, tuple(warnings or ()))
        for period, state, day, warnings, cells, suppressed in rows
    )


def standing_periods(connection: duckdb.DuckDBPyConnection, population: str, as_of: date) -> set[Period] | None:
    """The periods that stood for the newest data until a date; None if none were looked at yet."""
    rows = connection.execute(
        "SELECT period FROM disclosure.looks WHERE population = $1 AND as_of ="
        " (SELECT max(as_of) FROM disclosure.looks WHERE population = $1 AND as_of <= $2)",
        [population, as_of],
    ).fetchall()
    return {tuple(json.loads(period)) for (period,) in rows} or None


def open_periods(connection: duckdb.DuckDBPyConnection, population: str) -> set[Period]:
    """The periods of which something was decided, and of whose people more than that is known here."""
    rows = connection.execute(
        "SELECT DISTINCT period FROM disclosure.decisions WHERE population = ? AND NOT is_kept", [population]
    ).fetchall()
    return {tuple(json.loads(period)) for (period,) in rows}


def freeze(connection: duckdb.DuckDBPyConnection, population: str, periods: Collection[Period]) -> None:
    """Delete what is known of people in periods whose own answers are deleted: the true counts, and the proofs,
    which hold most of them. What was published stays, and stands for good.
    """
    for period in periods:
        place = [population, json.dumps(period, ensure_ascii=False)]
        for table in ("atoms", "witnesses"):
            connection.execute(f"DELETE FROM disclosure.{table} WHERE population = ? AND period = ?", place)
        connection.execute(
            "UPDATE disclosure.decisions SET is_kept = true, witness_atoms = []"
            " WHERE population = ? AND period = ?",
            place,
        )
