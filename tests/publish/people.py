"""Invented releases of datasets about people, protected by hand: some totals and some parts are not told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from publish.desired import DesiredDataset
from tests.publish import places
from warehouse.declarations import DatasetDeclaration
from warehouse.home import Home

Row = tuple[Any, ...]
STATUS = {
    "name": "status_code",
    "title": "Status",
    "constraints": {"required": True, "codeList": "protection_statuses"},
}
SURVEYED: dict[str, Any] = {
    "title": "What residents said",
    "each_row_is_a": "number of answers",
    "primaryKey": ["pilot_id", "survey_id", "measure_code", "age_group_code", "answer_code"],
    "fields": [
        {"name": "pilot_id", "title": "Pilot ID", "constraints": {"required": True}},
        {"name": "survey_id", "title": "Survey ID", "constraints": {"required": True}},
        {"name": "pilot_name", "title": "Pilot"},
        {"name": "measure_code", "title": "Measure", "labels": "evaluation_measures"},
        {"name": "age_group_code", "title": "Age group", "labels": "age_groups"},
        {"name": "answer_code", "title": "Answer", "constraints": {"codeList": "yes_no_answers"}},
        {"name": "answers_count", "title": "Answers", "type": "integer", "unit": "people", "protected": "count"},
        {
            "name": "mean_points",
            "title": "Mean",
            "type": "number",
            "decimals": 2,
            "protected": "mean",
            "of": "points",
        },
        {
            "name": "mean_minutes",
            "title": "Minutes",
            "type": "number",
            "decimals": 2,
            "protected": "mean",
            "of": "minutes",
        },
        {
            "name": "share_pct",
            "title": "Share",
            "type": "number",
            "decimals": 1,
            "protected": "share",
            "of": "answer_code",
        },
        STATUS,
    ],
    "disclosure": {
        "population": "survey_answers",
        "counts": "resident who answered",
        "sensitivity": "residents",
        "period": ["pilot_id", "survey_id", "measure_code"],
        "dimensions": [["age_group_code"], ["answer_code"]],
        "magnitudes": [
            {"column": "points", "minimum": 1, "maximum": 5},
            {"column": "minutes", "minimum": -1440, "maximum": 1440},
        ],
    },
}
COUNTED: dict[str, Any] = {
    "title": "Who came",
    "each_row_is_a": "number of people",
    "primaryKey": ["meeting_id", "stakeholder_kind_code", "first_time_code"],
    "fields": [
        {"name": "meeting_id", "title": "Meeting ID", "constraints": {"required": True}},
        {"name": "meeting_name", "title": "Meeting"},
        {"name": "meeting_date", "title": "Date", "type": "date"},
        {"name": "date_precision_code", "title": "Precision"},
        {"name": "stakeholder_kind_code", "title": "Stakeholders", "labels": "stakeholder_kinds"},
        {"name": "first_time_code", "title": "First time", "constraints": {"codeList": "first_time_answers"}},
        {
            "name": "attendance_count",
            "title": "Attendance",
            "type": "integer",
            "unit": "people",
            "protected": "count",
        },
        STATUS,
    ],
    "disclosure": {
        "population": "club_attendance",
        "counts": "person who came",
        "sensitivity": "persons",
        "period": ["meeting_id"],
        "dimensions": [["stakeholder_kind_code"], ["first_time_code"]],
        "people": "people",
    },
}


def surveyed(name: str, survey: str, measure: str, cells: Sequence[Row]) -> list[Row]:
    """Rows of one survey and question from (age group, answer, n, mean, share); n None is suppressed."""
    pilot = survey.rpartition("-")[0]
    is_time = measure.startswith("minutes")
    return [
        (
            *(pilot, survey, name, measure, age, answer, n),
            *((None, mean) if is_time else (mean, None)),
            *(share, "suppressed" if n is None else "published"),
        )
        for age, answer, n, mean, share in cells
    ]


def counted(number: int, name: str, day: dt.date | None, cells: Sequence[Row]) -> list[Row]:
    """Rows of one meeting from (kind, first time, n)."""
    return [
        (f"m-{number}", name, day, "day", kind, first, n, "suppressed" if n is None else "published")
        for kind, first, n in cells
    ]


def _by_age(total: Row, *groups: Row) -> list[Row]:
    return [("total", "total", *total), *((age, "total", *rest) for age, *rest in groups)]


def _yes_no(age: str, n: int | None, yes: int | None) -> list[Row]:
    told = n is not None and yes is not None
    parts = [("yes", yes), ("no", n - yes)] if told and n and yes is not None else [("yes", None), ("no", None)]
    shares = [
        (age, answer, one, None, round(100 * one / n, 1) if one is not None and n else None)
        for answer, one in parts
    ]
    return [(age, "total", n, None, None), *shares]


ROBOT = "satama-robotiikka-2018"
ANSWERS = [
    *surveyed("Door-step pharmacy", "kuunsilta-2018", "satisfaction", _by_age(
        (120, 4.21, None), ("from_18_to_29", None, None, None), ("from_30_to_44", 24, 4.17, None),
        ("from_45_to_64", 36, 4.08, None), ("from_65", 47, 4.38, None), ("not_stated", None, None, None),
        ("under_18", 0, None, None))),
    *surveyed("Door-step pharmacy", "kuunsilta-2018", "minutes_saved_a_day", _by_age(
        (107, 20.35, None), ("from_30_to_44", 22, 18.7, None), ("from_45_to_64", 32, 21.45, None),
        ("from_65", None, None, None), ("from_18_to_29", None, None, None))),
    *surveyed("Door-step pharmacy", "kuunsilta-2018", "would_use_again", [
        *_yes_no("total", 120, 93), *_yes_no("from_30_to_44", 24, None), *_yes_no("from_65", 47, 36),
        *_yes_no("from_18_to_29", None, None)]),
    *surveyed("Balance at home", "siilonmutka-2019", "satisfaction", _by_age(
        (42, 2.76, None), ("from_45_to_64", 14, 2.5, None), ("from_65", 28, 2.89, None))),
    *surveyed("Balance at home", "siilonmutka-2019", "minutes_saved_a_day", _by_age(
        (42, -7.68, None), ("from_45_to_64", 14, -5.89, None), ("from_65", 28, -8.57, None))),
    *surveyed("Balance at home", "siilonmutka-2019", "would_use_again", _yes_no("total", 42, 23)),
    *surveyed("Shared rides to the metro", "verkkosaari-2019", "satisfaction", _by_age((61, 3.54, None))),
    *surveyed("Shared rides to the metro", "verkkosaari-2019", "would_use_again", _yes_no("total", 61, 44)),
    *surveyed("Parcel robot of the quay", ROBOT, "satisfaction", _by_age((None, None, None))),
    *surveyed("Parcel robot of the quay", ROBOT, "minutes_saved_a_day", _by_age((None, None, None))),
    *surveyed("Parcel robot of the quay", ROBOT, "would_use_again", _yes_no("total", None, None)),
]  # fmt: skip
CAME = [
    *counted(1, "Lighting", dt.date(2025, 2, 13), [
        ("total", "total", 114), ("residents", "total", 41), ("companies", "total", 36), ("city", "total", 22),
        ("research", "total", None), ("media", "total", None),
        ("total", "first_time", 33), ("total", "returning", 81)]),
    *counted(2, "Shared van", dt.date(2025, 5, 22), [
        ("total", "total", 102), ("residents", "total", 28), ("companies", "total", 47), ("city", "total", 19),
        ("associations", "total", 8), ("total", "first_time", 21), ("total", "returning", 62),
        ("total", "not_asked", 19)]),
    *counted(3, "Library evening", dt.date(2026, 5, 21), [
        ("total", "total", None), ("residents", "total", None), ("city", "total", None),
        ("total", "first_time", 12)]),
    *counted(4, "Results", dt.date(2026, 2, 12), [
        ("total", "total", 135), ("residents", "total", 33), ("companies", "total", 52), ("city", "total", 24),
        ("research", "total", 17), ("visitors", "total", 9), ("total", "first_time", None),
        ("total", "returning", None)]),
]  # fmt: skip


def declaration(entry: dict[str, Any]) -> DatasetDeclaration:
    """A dataset about people."""
    return places.declaration(**{"usage_warnings": [], "rows": {"minimum": 0}, **entry})


def wanted(home: Home, entry: dict[str, Any], rows: Sequence[Row]) -> DesiredDataset:
    """Its first release, as a portal takes it."""
    dataset = declaration(entry)
    return places.wanted(home, places.release(home, list(rows), dataset=dataset), dataset=dataset)
