"""What rules files demand of several columns, or of several rows: each rule broken in every way it can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from tests.broken.drafts import Draft, shown_code
from tests.broken.planting import FAULTS, E, Fault, Planted, Severity, W, Wanted
from tests.broken.values import Row


@dataclass(frozen=True)
class Breach:
    """How one row breaks a rule: what its cells become. ``at`` is where it must be found, its first column."""

    source: str
    table: str
    rule: str
    at: str
    cells: Mapping[str, object]
    severity: Severity = E
    beside: Mapping[str, str] = field(default_factory=dict)


_OLD = date(2016, 1, 4)
_UNUSUAL_TOO = {"usual-grant": "a sum that may not be is not a usual one either; whoever mends it mends both"}
_BREACHES = (
    Breach(
        "agile_pilots",
        "pilots",
        "ends-after-start",
        "end_date",
        {"start_date": date(2017, 8, 1), "end_date": date(2017, 3, 1), "actual_end_date": None},
    ),
    Breach(
        "agile_pilots",
        "pilots",
        "at-most-six-months",
        "end_date",
        {"start_date": _OLD, "end_date": date(2016, 12, 31), "actual_end_date": None},
    ),
    Breach(
        "agile_pilots",
        "pilots",
        "really-ended-after-start",
        "actual_end_date",
        {"start_date": date(2017, 3, 1), "end_date": date(2017, 5, 1), "actual_end_date": date(2017, 1, 1)},
    ),
    Breach(
        "agile_pilots",
        "pilots",
        "overran-six-months",
        "actual_end_date",
        {"start_date": date(2017, 3, 1), "end_date": date(2017, 5, 1), "actual_end_date": date(2018, 1, 1)},
        W,
    ),
    Breach("agile_pilots", "pilots", "usual-grant", "grant_eur", {"grant_eur": 25_000}, W),
    Breach("agile_pilots", "pilots", "usual-grant", "grant_eur", {"grant_eur": 90}, W),
    Breach(
        "agile_pilots",
        "pilots",
        "below-procurement-threshold-2016",
        "grant_eur",
        {"grant_eur": 31_000, "start_date": _OLD, "end_date": date(2016, 3, 1), "actual_end_date": None},
        beside=_UNUSUAL_TOO,
    ),
    Breach(
        "agile_pilots",
        "pilots",
        "below-procurement-threshold",
        "grant_eur",
        {
            "grant_eur": 61_000,
            "start_date": date(2018, 1, 4),
            "end_date": date(2018, 3, 1),
            "actual_end_date": None,
        },
        beside=_UNUSUAL_TOO,
    ),
    Breach(
        "agile_pilots",
        "rounds",
        "companies-a-round",
        "selected_count",
        {"programme": "Agile piloting programme", "selected_count": 9},
        W,
    ),
    Breach("agile_pilots", "rounds", "selected-among-offers", "selected_count", {"selected_count": 31}),
    Breach(
        "agile_pilots",
        "rounds",
        "call-closes-after-opening",
        "call_closes_date",
        {"call_opens_date": date(2017, 3, 1), "call_closes_date": date(2017, 2, 1)},
    ),
    Breach(
        "future_fifty",
        "memberships",
        "graduates-after-joining",
        "graduation_date",
        {"entry_date": date(2018, 3, 1), "graduation_date": date(2017, 3, 1)},
    ),
    Breach(
        "future_fifty", "memberships", "a-member-has-not-graduated", "status_code", {"status_code": "member"}, W
    ),
    Breach("future_fifty", "cohorts", "fifty-a-year", "new_count", {"new_count": 25}, W),
    Breach("here_east", "tenants", "area-has-a-unit", "unit_code", {"unit_code": None}),
    Breach("here_east", "tenants", "area-has-a-unit", "unit_code", {"unit_code": "jobs"}),
    Breach("here_east", "tenants", "opened-before-stated", "opened_year", {"opened_year": 2022}, W),
    Breach("here_east", "indicators", "planned-or-actual", "kind_code", {"kind_code": "rule"}),
    Breach("here_east", "indicators", "unit-of-the-metric", "unit_code", {"unit_code": "months"}),
    Breach("here_east", "indicators", "actual-has-no-target", "kind_code", {"kind_code": "actual"}),
    Breach("here_east", "indicators", "dated", "statement_year", {"statement_year": None, "target_year": None}, W),
    Breach(
        "here_east",
        "indicators",
        "share-of-a-hundred",
        "value",
        {"metric_code": "let_share", "unit_code": "pct", "value": 140},
    ),
    Breach(
        "innovators_club",
        "meetings",
        "a-date-says-how-exact-it-is",
        "date_precision_code",
        {"date_precision_code": None},
        W,
    ),
    Breach(
        "innovators_club",
        "attendance",
        "first-timers-among-those-who-came",
        "first_timers_count",
        {"first_timers_count": 31},
    ),
    Breach("kalasatama", "statements", "planned-or-actual", "kind_code", {"kind_code": "rule"}),
    Breach("kalasatama", "statements", "unit-of-the-metric", "unit_code", {"unit_code": "jobs"}),
    Breach(
        "kalasatama",
        "statements",
        "hectares-of-land",
        "unit_code",
        {"metric_code": "housing_area", "unit_code": "ha"},
        W,
    ),
    Breach(
        "kalasatama",
        "statements",
        "dated",
        "statement_year",
        {"statement_year": None, "target_year": None, "target_text": None},
        W,
    ),
    Breach("kalasatama", "statements", "actual-has-no-target", "kind_code", {"kind_code": "actual"}),
    Breach("kalasatama", "statements", "target-not-before-statement", "target_year", {"target_year": 2009}, W),
    Breach(
        "kalasatama",
        "statements",
        "share-of-a-hundred",
        "value",
        {"metric_code": "let_share", "unit_code": "pct", "value": 140},
    ),
    Breach(
        "kalasatama",
        "statements",
        "a-year-is-a-year",
        "value",
        {"metric_code": "first_residents_year", "unit_code": "year", "value": 20_300},
    ),
    Breach("plexal", "indicators", "unit-of-the-metric", "unit_code", {"unit_code": "months"}),
    Breach("plexal", "indicators", "actual-has-no-target", "kind_code", {"kind_code": "actual"}),
    Breach(
        "plexal",
        "indicators",
        "share-of-a-hundred",
        "value",
        {"metric_code": "female_cofounders_share", "unit_code": "pct", "value": 140},
    ),
    Breach(
        "pilot_followups",
        "followups",
        "an-end-has-a-reason",
        "reason_code",
        {"outcome_code": "ended", "reason_code": None, "contract_value_eur": None},
        W,
    ),
    Breach(
        "pilot_followups",
        "followups",
        "nothing-is-bought-that-ended",
        "outcome_code",
        {"outcome_code": "open", "contract_value_eur": 9000},
    ),
    Breach(
        "pilot_followups",
        "followups",
        "in-use-somewhere",
        "places_count",
        {"outcome_code": "rolled_out", "places_count": 0},
        W,
    ),
    Breach("tech_nation", "indicators", "of-an-area-or-a-programme", "hub", {"programme": "Tech City"}),
    Breach("tech_nation", "indicators", "of-an-area-or-a-programme", "hub", {"hub": None}),
    Breach("tech_nation", "indicators", "unit-of-the-metric", "unit_code", {"unit_code": "months"}),
    Breach("tech_nation", "indicators", "actual-has-no-target", "kind_code", {"kind_code": "actual"}),
    Breach(
        "tech_nation",
        "indicators",
        "share-of-a-hundred",
        "value",
        {"metric_code": "female_cofounders_share", "unit_code": "pct", "value": 140},
    ),
    Breach(
        "tech_nation",
        "indicators",
        "not-in-millions",
        "value",
        {"metric_code": "sales", "unit_code": "GBP", "value": 12.5},
        W,
    ),
)


def _change(draft: Draft, table: str, number: int, cells: Row) -> None:
    page = draft.page(table)
    for name, value in cells.items():
        shown = shown_code(page.table.field(name), value, draft.codes, draft.language)
        page.records[number].cells[page.column(name)] = shown


def _wanted(draft: Draft, table: str, rule: str, column: str, numbers, severity: Severity) -> list[Wanted]:
    page = draft.page(table)
    lines = [page.records[number] for number in numbers]
    return [Wanted(frozenset({rule}), severity, page, line, page.column(column)) for line in lines]


def _planting(breach: Breach):
    def plant(draft: Draft) -> Planted | None:
        if draft.source.name != breach.source:
            return None
        # the last rows: of a table that others refer to, nobody refers to them
        number = draft.rng.randrange(3, len(draft.page(breach.table).records))
        _change(draft, breach.table, number, breach.cells)
        found = _wanted(draft, breach.table, breach.rule, breach.at, [number], breach.severity)
        return Planted(found, breach.beside)

    return plant


def _enter() -> None:
    for number, breach in enumerate(_BREACHES, start=1):
        done = ", ".join(f"{name} is {value}" for name, value in breach.cells.items())
        place = f"{breach.rule} at {breach.at}"
        name = f"rule-{breach.rule}-{number}"
        FAULTS.append(Fault(name, done, place, _planting(breach), placements=1))


# --- rules on several rows -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Together:
    """How several rows together break a rule: what the cells of each become."""

    source: str
    table: str
    rule: str
    at: str
    cells: tuple[Row, ...]
    alike: tuple[str, ...] = ()  # columns in which all of them are as the first one
    severity: Severity = W


_TOGETHER = (
    Together(
        "innovators_club",
        "meetings",
        "at-most-four-meetings-a-year",
        "meeting_date",
        tuple({"meeting_date": date(2024, month, 3), "meeting_kind_code": "meeting"} for month in range(1, 7)),
    ),
    Together(
        "innovators_club",
        "attendance",
        "no-more-than-the-network",
        "attendance_count",
        ({"attendance_count": 700}, {"attendance_count": 400}),
        ("meeting_id",),
    ),
    Together(
        "future_fifty",
        "memberships",
        "one-company-once",
        "company_number",
        ({}, {}),
        ("company_number", "programme", "cohort_label"),
    ),
    Together(
        "kalasatama",
        "statements",
        "stated-once",
        "value",
        ({}, {}),
        (
            "value",
            "district",
            "metric_code",
            "kind_code",
            "unit_code",
            "statement_year",
            "target_year",
            "source_url",
        ),
    ),
)


def _planting_together(breach: Together):
    def plant(draft: Draft) -> Planted | None:
        if draft.source.name != breach.source:
            return None
        page = draft.page(breach.table)
        numbers = draft.rng.sample(range(len(page.records)), len(breach.cells))
        first = page.records[numbers[0]]
        for number, cells in zip(numbers, breach.cells, strict=True):
            page.records[number].cells |= {
                page.column(name): first.cells[page.column(name)] for name in breach.alike
            }
            _change(draft, breach.table, number, cells)
        if breach.rule == "no-more-than-the-network":  # all rows of the meeting
            key = page.column("meeting_id")
            numbers = [n for n, line in enumerate(page.records) if line.cells[key] == first.cells[key]]
        return Planted(_wanted(draft, breach.table, breach.rule, breach.at, numbers, breach.severity))

    return plant


def _enter_together() -> None:
    for breach in _TOGETHER:
        done = f"{len(breach.cells)} rows say what {breach.rule} forbids"
        place = f"{breach.rule} at {breach.at} of each"
        FAULTS.append(Fault(f"rule-{breach.rule}", done, place, _planting_together(breach), placements=2))


_enter()
_enter_together()
