"""Titles, formats and media types of a release's files, and words for codes."""

from __future__ import annotations

from collections.abc import Mapping

_MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
    "json": "application/json",
}

# A release's files in the order in which portals list them; those of the first tuple hold the rows.
WITH_ROWS = ("csv", "parquet", "xlsx", "geojson")
KEYS = (*WITH_ROWS, "threesixty_giving", "changes", "datapackage")

# Words for the EU's frequency codes.
FREQUENCIES: Mapping[str, str] = {
    "CONT": "continuously",
    "DAILY": "every day",
    "WEEKLY": "every week",
    "MONTHLY": "every month",
    "QUARTERLY": "every quarter",
    "ANNUAL": "every year",
    "IRREG": "irregularly",
    "NEVER": "never",
}

# Languages of translations as pages call them; any other by its code.
LANGUAGES: Mapping[str, str] = {"fi": "Finnish", "ko": "Korean", "sv": "Swedish"}
# What is said of a translation that nobody has read, wherever it is shown.
NOT_REVIEWED = "This translation has not been reviewed by a person."

_TITLES: Mapping[str, tuple[str, str]] = {
    "csv": (
        "CSV",
        "All rows, for programs. Read it with the types of the data dictionary: codes lose their leading zeros"
        " where a program guesses.",
    ),
    "parquet": ("Parquet", "All rows with their types, for analysis."),
    "xlsx": ("Excel", "All rows, the data dictionary and the terms, for people."),
    "threesixty_giving": (
        "360Giving",
        "The grants as a package of the 360Giving Data Standard, for its tools.",
    ),
    "geojson": ("GeoJSON", "All rows as points, for maps; a row without a position has no geometry."),
    "changes": ("Changes", "What differs from the version before, value by value."),
    "datapackage": ("Data Package", "This description, for machines."),
}

_FORMATS: Mapping[str, str] = {
    "csv": "CSV",
    "parquet": "Parquet",
    "xlsx": "XLSX",
    "geojson": "GeoJSON",
    "threesixty_giving": "JSON",
    "changes": "CSV",
    "datapackage": "JSON",
}


def resource_title(key: str) -> tuple[str, str]:
    """Title and description of a release's file."""
    return _TITLES[key]


def resource_format(key: str) -> str:
    """The format of a release's file as portals write it."""
    return _FORMATS[key]


def media_type(name: str) -> str:
    """The media type of a release's file by its name."""
    return _MEDIA_TYPES[name.rsplit(".", 1)[-1]]
