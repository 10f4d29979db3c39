"""The arithmetic of dimensions, score and next step, against a model that counts cell by cell in Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import ledger
from warehouse.declarations import Severity, SourceDeclaration
from warehouse.findings import Finding
from warehouse.headings import names_in
from warehouse.ledger import SnapshotRecord, TableLoad, Verdict
from warehouse.ledger.schema import create_ledger
from warehouse.measures import Dimension
from warehouse.messages import Language, said_in
from warehouse.quality import HELD_FACTOR, WEIGHTS, definition, dimensions, score_of, title
from warehouse.quality.dimensions import why_unknown
from warehouse.quality.scores import timeliness
from warehouse.reference import code_lists

DAY = date(2026, 11, 2)
COUNTED = [one for one in Dimension if one is not Dimension.TIMELINESS]


def source(*, about_people: bool = False, **more: object) -> SourceDeclaration:
    fields = [{"name": name, "title": name.capitalize(), "title_fi": f"{name} suomeksi"} for name in "abc"]
    table = {"each_row_is_a": "thing", "fields": fields, "primaryKey": ["a"], "about_people": about_people}
    return SourceDeclaration.model_validate(
        {
            "name": "things",
            "title": "Things",
            "publisher": "opendistrict",
            "licence": "CC-BY-4.0",
            "attribution": "Things",
            "cadence": "irregular",
            "finnish": {"made_by": "machine"},
            "tables": [{"name": name, "title": name.capitalize(), **table} for name in ("one", "two")],
            **more,
        }
    )


SOURCE = source()


@dataclass(frozen=True)
class Measured:
    """A rule as it was measured; ``holds``: its finding is critical."""

    table: str
    rule: str
    column: str
    dimension: Dimension | None
    judged: int
    failed: int
    holds: bool = False

    @property
    def unit(self) -> tuple[str, ...]:
        if self.dimension is Dimension.UNIQUENESS:
            return (self.table,)
        if self.dimension is Dimension.CONSISTENCY:
            return (self.table, self.rule, self.column)
        return (self.table, self.column)

    @property
    def cause(self) -> tuple[str, str, str]:
        return (self.table, self.rule, self.column)


@st.composite
def measured(draw: st.DrawFn) -> list[Measured]:
    """What a check may measure: units of so many cells, of which rules share out those that fail."""
    found = []
    for table in ("one", "two"):
        for dimension in COUNTED:
            for column in draw(st.sets(st.sampled_from(["a", "b", "c"]), max_size=2)):
                judged = draw(st.integers(0, 40))
                left = judged
                for number in range(draw(st.integers(1, 3))):
                    failed = draw(st.integers(0, left))
                    if dimension is not Dimension.CONSISTENCY:
                        left -= failed
                    holds = failed > 0 and draw(st.integers(0, 5)) == 0
                    rule = f"{dimension.value}-{number}"
                    found.append(Measured(table, rule, column, dimension, judged, failed, holds))
    for number in range(draw(st.integers(0, 1))):
        found.append(Measured("one", f"unusable-{number}", "", None, 0, 0, holds=True))
    # rows of a table are judged together: what is doubled by one key cannot be more than all rows
    return [one for one in found if one.dimension is not Dimension.UNIQUENESS or one.column == "a"]


def shares(rules: Sequence[Measured]) -> dict[Dimension, float]:
    """The model: of each dimension the share, counted unit by unit."""
    by_unit: dict[tuple[Dimension, tuple[str, ...]], list[Measured]] = defaultdict(list)
    for one in rules:
        if one.dimension is not None and one.judged:
            by_unit[one.dimension, one.unit].append(one)
    found = {}
    for dimension in Dimension:
        units = [
            (own[0].judged, sum(o.failed for o in own)) for (its, _), own in by_unit.items() if its is dimension
        ]
        if dimension is Dimension.CONSISTENCY and units:
            found[dimension] = sum(1 - failed / judged for judged, failed in units) / len(units)
        elif units:
            found[dimension] = 1 - sum(failed for _, failed in units) / sum(judged for judged, _ in units)
    return found


def score(rules: Sequence[Measured]) -> float | None:
    """The model: 0 to 100; None where nothing was measured and nothing is held."""
    known, is_held = shares(rules), any(one.holds for one in rules)
    if not known:
        return 0.0 if is_held else None
    mean = sum(WEIGHTS[one] * share for one, share in known.items()) / sum(WEIGHTS[one] for one in known)
    return 100 * mean * (HELD_FACTOR if is_held else 1)


def mended(rules: Sequence[Measured], cause: tuple[str, str, str]) -> list[Measured]:
    return [replace(one, failed=0, holds=False) if one.cause == cause else one for one in rules]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        create_ledger(opened)
        yield opened


def write(
    connection: duckdb.DuckDBPyConnection, rules: Sequence[Measured], day: date = DAY, *, is_fresh: bool = True
) -> None:
    """Note a snapshot in the ledger, as the checks do."""
    if is_fresh:
        for table in ("snapshots", "findings", "measures", "curations"):
            connection.execute(f"DELETE FROM ledger.{table}")
    name, is_held = day.isoformat(), any(one.holds for one in rules)
    verdict = Verdict.HELD if is_held else Verdict.PASSED
    loads = {"one": TableLoad(staged=1)}
    ledger.record_snapshot(
        connection, SnapshotRecord("things", name, day, "here", "f", verdict, not is_held, "r", loads)
    )
    found = [
        Finding(one.rule, Severity.CRITICAL, "m", "h", one.table, column_name=one.column or None)
        for one in rules
        if one.holds
    ]
    ledger.replace_findings(connection, "things", name, found)
    for one in rules:
        if one.dimension is not None:
            connection.execute(
                "INSERT INTO ledger.measures BY NAME SELECT $1 AS snapshot_id, 'things' AS subject,"
                " $2 AS table_name, $3 AS rule, $4 AS column_name, $5 AS dimension, $6 AS judged, $7 AS failed",
                [name, one.table, one.rule, one.column, one.dimension.value, one.judged, one.failed],
            )


@settings(max_examples=20, deadline=None)
@given(rules=measured())
def test_shares_score_and_next_step_are_those_of_the_model(
    connection: duckdb.DuckDBPyConnection, rules: list[Measured]
) -> None:
    write(connection, rules)
    (found,) = dimensions(connection, "things", SOURCE)
    known = shares(rules)
    for dimension in Dimension:
        assert found.share(dimension) == pytest.approx(known.get(dimension), abs=1e-9)
        assert (dimension in found.unknown) is (dimension not in known)
    before, made = score(rules), score_of(connection, "things", SOURCE)
    if before is None:
        assert made is None
        return
    assert made is not None
    assert before - 0.1 <= made.value <= before + 1e-6
    assert {one: part.share for one, part in made.parts.items()} == pytest.approx(known)
    # brute force: every cause mended, one at a time
    gains = {
        one.cause: (score(mended(rules, one.cause)) or 0) - before
        for one in rules
        if one.holds or (one.failed and one.judged)
    }
    assert all(gain >= -1e-9 for gain in gains.values())  # mending never lowers the score
    if not known:
        assert made.causes == []
        return
    told = {(one.table_name, one.rule, one.column_name): one.gain for one in made.causes}
    assert told == pytest.approx(gains, abs=1e-6)
    best = max(gains.values(), default=0)
    assert (made.next_step is None) is (best < 0.05)
    if made.next_step is not None:
        assert made.gain == pytest.approx(best)


@settings(max_examples=8, deadline=None)
@given(rules=measured(), data=st.data())
def test_mending_some_cells_never_lowers_the_score(
    connection: duckdb.DuckDBPyConnection, rules: list[Measured], data: st.DataObject
) -> None:
    write(connection, rules)
    before = score_of(connection, "things", SOURCE)
    better = [replace(one, failed=data.draw(st.integers(0, one.failed)), holds=one.holds) for one in rules]
    write(connection, better)
    after = score_of(connection, "things", SOURCE)
    assert (before is None) is (after is None)
    if before and after:
        assert after.value >= before.value


def test_steps_name_the_column_and_the_table_by_title_and_are_said_in_finnish(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    for dimension in COUNTED:
        write(connection, [Measured("one", "r", "b", dimension, 10, 2)])
        made = score_of(connection, "things", SOURCE)
        assert made is not None
        assert made.next_step is not None
        assert "2" in made.next_step
        assert "“B”" in made.next_step
        assert "“One”" in made.next_step
        assert "Score +20." in made.next_step
        finnish = said_in(made.next_step, Language.FINNISH)
        assert finnish != made.next_step
        assert "b suomeksi" in finnish
        assert definition(dimension)
        assert said_in(definition(dimension), Language.FINNISH) != definition(dimension)
        assert (
            said_in(title(dimension), Language.FINNISH)
            == code_lists()["quality_dimension"].codes[dimension].title_fi
        )


def test_a_step_quotes_her_own_header_and_sheet_where_findings_tell_them(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    write(connection, [Measured("one", "r", "b", Dimension.VALIDITY, 10, 2)])
    found = [
        Finding("r", Severity.ERROR, "x", "y", "one", "f.xlsx", "Taul1", 3, "b", heading="Väkeä"),
        Finding("unknown-column", Severity.WARNING, "x", "y", "one", "f.xlsx", "Taul1", 1, "Väkeä", heading="Oma"),
    ]
    made = score_of(connection, "things", SOURCE, names=names_in(found, SOURCE))
    assert made is not None
    assert made.next_step == "Correct 2 values of “Väkeä” in “Taul1”. Score +20."


def test_one_thing_that_holds_good_data_is_worth_the_other_half(connection: duckdb.DuckDBPyConnection) -> None:
    rules = [
        Measured("one", "row-count", "", Dimension.CONSISTENCY, 10, 0),
        Measured("two", "x", "", None, 0, 0, True),
    ]
    write(connection, rules)
    made = score_of(connection, "things", SOURCE)
    assert made is not None
    assert (made.value, made.is_held, made.gain) == (50, True, 50)
    assert made.next_step == "Mend what holds “Two”. Score +50."


def test_nothing_is_counted_of_people(connection: duckdb.DuckDBPyConnection) -> None:
    people = source(about_people=True)
    write(connection, [Measured("one", "r", "b", Dimension.VALIDITY, 10, 2)])  # from before it was said to be
    (found,) = dimensions(connection, "things", people)
    assert all(found.share(one) is None for one in Dimension)
    assert "people" in found.unknown[Dimension.VALIDITY]
    assert score_of(connection, "things", people) is None


def test_what_holds_in_a_table_of_people_is_named_by_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    declared = source()
    tables = [declared.tables[0], source(about_people=True).tables[1]]
    mixed = declared.model_copy(update={"tables": tuple(tables)})
    rules = [
        Measured("one", "r", "b", Dimension.VALIDITY, 10, 0),
        Measured("two", "secret-rule", "b", None, 0, 0, holds=True),
    ]
    write(connection, rules)
    made = score_of(connection, "things", mixed)
    assert made is not None
    ((cause),) = made.causes
    assert (cause.table_name, cause.rule, cause.column_name) == ("none", "none", "")
    assert made.next_step == "Mend what holds the data. Score +50."


def test_data_are_timely_while_newer_ones_are_not_overdue() -> None:
    declared = source(expected_days=10)
    days = [DAY + timedelta(days=n) for n in (0, 10, 30, 35)]
    found = [(day, day == days[2]) for day in days]  # the third was held
    assert timeliness(declared, found, days[-1]) == [1, 10 / 25, 10 / 25, 1]
    assert timeliness(declared, found, days[-1] + timedelta(days=40))[-1] == 10 / 40
    assert timeliness(declared, [(DAY, True)], days[-1]) == [None]
    assert timeliness(source(), found, days[-1]) == [None] * 4


def test_overdue_data_are_the_next_step_by_dates_of_data_alone(connection: duckdb.DuckDBPyConnection) -> None:
    declared = source(expected_days=10)
    write(connection, [Measured("one", "r", "b", Dimension.VALIDITY, 10, 0)])
    now = score_of(connection, "things", declared)
    assert now is not None
    assert (now.value, now.next_step) == (100, None)
    later = score_of(connection, "things", declared, as_of=DAY + timedelta(days=100))
    assert later is not None
    assert later.parts[Dimension.TIMELINESS].share == pytest.approx(0.1)
    assert later.next_step is not None
    assert later.next_step.startswith("Bring newer data")


def test_every_reason_is_a_sentence_in_both_languages() -> None:
    reasons = {
        why_unknown(one, is_source=is_source, is_told=is_told, is_measured=is_measured)
        for one in Dimension
        for is_source in (True, False)
        for is_told in (True, False)
        for is_measured in (True, False)
    }
    assert len(reasons) == 8
    for reason in reasons:
        assert said_in(reason, Language.FINNISH) != reason


def test_weights_are_a_hundred() -> None:
    assert sum(WEIGHTS.values()) == 100
    _: Mapping[Dimension, int] = WEIGHTS
