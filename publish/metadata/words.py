"""Titles, formats and media types of a release's files, and words for codes."""

from __future__ import annotations

from collections.abc import Mapping

_MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
    "json": "application/json",
    "html": "text/html",
    "jsonld": "application/ld+json",
    "ttl": "text/turtle",
    "yaml": "application/yaml",
    "atom": "application/atom+xml",
    "SHA256SUMS": "text/plain",
}

# A release's files in the order in which portals list them; those of the first tuple hold the rows.
WITH_ROWS = ("csv", "parquet", "xlsx", "geojson")
# What every portal lists: a person finds nothing among sixteen resources.
LISTED = (*WITH_ROWS, "threesixty_giving", "changes", "dictionary", "datapackage")
# What lies beside it in a release's folder.
BESIDE = (
    *("dictionary_xlsx", "dictionary_html", "schema", "changelog", "feed"),
    *("dcat", "dcat_turtle", "croissant", "contract", "sums"),
)
KEYS = (*LISTED, *BESIDE)

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
    "dictionary": (
        "Data dictionary",
        "What each column means: title, type, unit, codes, how many rows have a value, and its range.",
    ),
    "datapackage": ("Data Package", "This description, for machines."),
    "dictionary_xlsx": ("Data dictionary (Excel)", "The data dictionary as a workbook."),
    "dictionary_html": ("Data dictionary (to print)", "The data dictionary as a page that prints on A4."),
    "schema": ("Table Schema", "The columns of the CSV file, for machines."),
    "changelog": ("Change log", "What each version changed, for machines."),
    "feed": ("Change log (Atom)", "What each version changed, for feed readers."),
    "dcat": ("DCAT-AP (JSON-LD)", "The description in the terms of DCAT-AP, for catalogues."),
    "dcat_turtle": ("DCAT-AP (Turtle)", "The description in the terms of DCAT-AP, for catalogues."),
    "croissant": ("Croissant", "The description in the terms of Croissant, for machine learning."),
    "contract": ("Data contract", "What may be relied on, as an Open Data Contract (ODCS)."),
    "sums": ("Checksums", "SHA-256 of all of these files, for sha256sum -c."),
}

_FORMATS: Mapping[str, str] = {
    "csv": "CSV",
    "parquet": "Parquet",
    "xlsx": "XLSX",
    "geojson": "GeoJSON",
    "threesixty_giving": "JSON",
    "changes": "CSV",
    "dictionary": "CSV",
    "datapackage": "JSON",
    "dictionary_xlsx": "XLSX",
    "dictionary_html": "HTML",
    "schema": "JSON",
    "changelog": "JSON",
    "feed": "Atom",
    "dcat": "JSON-LD",
    "dcat_turtle": "Turtle",
    "croissant": "JSON-LD",
    "contract": "YAML",
    "sums": "TXT",
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
