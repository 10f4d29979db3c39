"""Words for codes on a dataset's pages, as messages."""

from __future__ import annotations

from collections.abc import Mapping

from warehouse.messages import message

FREQUENCIES: Mapping[str, str] = {
    "CONT": message("continuously"),
    "DAILY": message("every day"),
    "WEEKLY": message("every week"),
    "MONTHLY": message("every month"),
    "QUARTERLY": message("every quarter"),
    "ANNUAL": message("every year"),
    "IRREG": message("irregularly"),
    "NEVER": message("never"),
}
DIMENSIONS: Mapping[str, str] = {
    "completeness": message("Completeness"),
    "uniqueness": message("Uniqueness"),
    "consistency": message("Consistency"),
    "timeliness": message("Timeliness"),
    "validity": message("Validity"),
    "accuracy": message("Accuracy"),
}
SEVERITIES: Mapping[str, str] = {
    "critical": message("critical"),
    "error": message("errors"),
    "warning": message("warnings"),
    "info": message("suggestions"),
}
CHANGES: Mapping[str, str] = {
    "added": message("added"),
    "changed": message("changed"),
    "removed": message("removed"),
    "held": message("held"),
    "released": message("no longer held"),
}
# What the files of a release are good for, where a page is not in the language of its description.
FILES: Mapping[str, str] = {
    "csv": message(
        "All rows, for programs. Read it with the types below: codes lose their zeros where one guesses."
    ),
    "parquet": message("All rows with their types, for analysis."),
    "xlsx": message("All rows, the data dictionary and the terms, for people."),
    "threesixty_giving": message("The grants as a package of the 360Giving Data Standard, for its tools."),
    "geojson": message("All rows as points, for maps; a row without a position has no geometry."),
    "changes": message("What differs from the version before, value by value."),
    "dictionary": message("What each column means: title, type, unit, codes, fill and range."),
    "datapackage": message("The description, for machines."),
    "dictionary_xlsx": message("The data dictionary as a workbook."),
    "dictionary_html": message("The data dictionary as a page that prints on A4."),
    "schema": message("The columns of the CSV file, for machines."),
    "changelog": message("What each version changed, for machines."),
    "feed": message("What each version changed, for feed readers."),
    "dcat": message("The description in the terms of DCAT-AP, for catalogues."),
    "dcat_turtle": message("The description in the terms of DCAT-AP, for catalogues."),
    "croissant": message("The description in the terms of Croissant, for machine learning."),
    "contract": message("What may be relied on, as an Open Data Contract (ODCS)."),
    "sums": message("SHA-256 of all of these files, for sha256sum -c."),
}
