"""Writes into docs/QUESTIONS.md what its queries answer on the published files of the shipped samples.

    python -m dev.questions

Each question of the page has one block of SQL and, between ``<!-- answer N -->`` marks, the table that it gives.
"""

from __future__ import annotations

import re
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from sources import samples
from warehouse.home import Home

PAGE = Path(__file__).resolve().parents[1] / "docs" / "QUESTIONS.md"
DAY = date(2026, 11, 26)  # on which the samples of workbooks are handed in
QUESTION = re.compile(
    r"^## (?P<number>\d+)\. .*?^```sql\n(?P<sql>.*?)^```$.*?"
    r"^<!-- answer (?P=number) -->\n(?P<answer>.*?)^<!-- /answer (?P=number) -->$",
    re.MULTILINE | re.DOTALL,
)


def publish_samples(home: Home) -> Path:
    """A night of all samples; the folder of the portal that shows them."""
    origins = {name: str(path) for name, path in samples().items()}
    with Direct() as runner:
        night(Run(Settings(home, str(home.portal)), RunRequest(DAY, origins), runner))
    return home.portal


def opened(portal: Path) -> duckdb.DuckDBPyConnection:
    """The published Parquet files of a folder portal, each under its stem."""
    connection = duckdb.connect()
    for path in sorted(portal.glob("datasets/*/*.parquet")):
        connection.execute(f"CREATE VIEW {path.stem.replace('-', '_')} AS SELECT * FROM '{path}'")
    return connection


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """What a query gives, a row a dict."""
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def as_table(rows: list[dict[str, Any]]) -> str:
    """Rows as a table in Markdown."""
    lines = [[*rows[0]], ["---"] * len(rows[0]), *([_shown(value) for value in row.values()] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return str(value).replace("|", "\\|")


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        connection = opened(publish_samples(Home(Path(folder))))

        def with_answer(found: re.Match[str]) -> str:
            number, said = found["number"], as_table(answer(connection, found["sql"]))
            head = found[0][: found.start("answer") - found.start()]
            return f"{head}{said}<!-- /answer {number} -->"

        PAGE.write_text(QUESTION.sub(with_answer, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
