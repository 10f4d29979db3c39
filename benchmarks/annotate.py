"""What marking a workbook costs, against openpyxl's own reading and writing of the same file.

    python -m benchmarks.annotate [--rows 30000] [--repeat 3] [--file FILE.xlsx]

The file has fourteen columns; with 30,000 rows that is 420,000 cells. Ten thousand findings of ten causes are
spread over it. The library reads it with all that it keeps, and writes it again, without a mark. Each measurement
runs in a process of its own; the best of its repeats counts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.measuring import Steps

FINDINGS = 10_000
CAUSES = 10
step = Steps("benchmarks.annotate")


@step
def load_and_save(file: Path, home: Path) -> None:
    """The library's own, without a mark."""
    import openpyxl

    openpyxl.load_workbook(file, rich_text=True).save(home / "saved.xlsx")


@step
def annotate(file: Path, home: Path) -> None:
    """Ours: the file read, ten thousand cells marked, and written."""
    _annotate(file, home / "marked.xlsx")


@step
def annotate_again(file: Path, home: Path) -> None:
    """The marked file marked anew, as when it comes back."""
    _annotate(home / "marked.xlsx", home / "again.xlsx")


def _annotate(file: Path, target: Path) -> None:
    from checks.annotate import annotate as mark
    from sources import declarations
    from warehouse.declarations import Severity
    from warehouse.findings import Finding
    from warehouse.messages import message

    declaration = declarations()["agile_pilots"]
    rows = 30_000
    found = [
        Finding(
            f"rule-{number % CAUSES}",
            Severity.ERROR if number % 3 else Severity.WARNING,
            message("“{value}” is not on the list.", value=f"value {number}"),
            message("Choose one of: {entries}.", entries="mobility, energy, climate"),
            "pilots",
            file.name,
            "Pilots",
            2 + (number * 3) % rows,
            ("theme_code", "grant_eur", "start_date", "city")[number % 4],
            f"value {number}",
        )
        for number in range(FINDINGS)
    ]
    mark(file, found, target, declaration)


def _generate(file: Path, rows: int) -> None:
    import xlsxwriter

    titles = (
        "Pilot ID", "Pilot", "Programme", "Round", "District", "City", "Theme", "Company", "Y-tunnus",
        "Description", "Starts", "Ends", "Grant (EUR)", "Participants",
    )  # fmt: skip
    book = xlsxwriter.Workbook(str(file), {"constant_memory": True})
    sheet = book.add_worksheet("Pilots")
    sheet.write_row(0, 0, titles)
    for number in range(1, rows + 1):
        texts = [f"{title} {number}" for title in titles[:12]]
        sheet.write_row(number, 0, [*texts, 8000 + number % 500, number % 40])
    book.close()


if __name__ == "__main__":
    sys.exit(step.main(__doc__ or "", "workbook.xlsx", _generate))
