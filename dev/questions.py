"""Writes docs/QUESTIONS.md from the declared questions and what they answer on the shipped samples.

    python -m dev.questions

The questions are ``publish/questions/*.yaml``; the answers come from a night of all samples.
"""

from __future__ import annotations

import tempfile
import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from publish.questions import Question, load_questions
from sources import samples
from warehouse.home import Home

PAGE = Path(__file__).resolve().parents[1] / "docs" / "QUESTIONS.md"
DAY = date(2026, 11, 26)  # on which the samples of workbooks are handed in
_WIDTH = 120
_HEAD = """\
# Twelve questions

What people really ask, each with one query on the published Parquet files alone, its answer on the samples
that ship with the project, and what the answer cannot say. The folder portal has a page for each, with the
answer on what it shows. Datasets go by their stems (`agile_pilots`): register the files under these names in
DuckDB, or whatever you use, and run them:

```python
import duckdb, pathlib

for path in pathlib.Path("var/portal/datasets").glob("*/*.parquet"):
    duckdb.sql(f"CREATE VIEW {path.stem.replace('-', '_')} AS SELECT * FROM '{path}'")
```

The samples hold real facts, each with its source, and invented organisations that join them, whose rows say so:
the answers show how the questions are answered, not how the programmes fare. A test runs every query and
compares it with an answer worked out in plain Python. This page is made of `publish/questions/*.yaml`;
`python -m dev.questions` writes it anew.
"""


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


def page(connection: duckdb.DuckDBPyConnection) -> str:
    """docs/QUESTIONS.md, with what the published files answer."""
    return "\n".join([_HEAD, *(_section(question, connection) for question in load_questions())])


def _section(question: Question, connection: duckdb.DuckDBPyConnection) -> str:
    parts = [
        f"## {question.number}. {question.title.en}",
        _wrapped(question.introduction.en),
        f"```sql\n{question.sql.strip()}\n```",
        as_table(answer(connection, question.sql)).strip(),
        _wrapped(f"*What it cannot say.* {question.cannot_say.en}"),
    ]
    return "\n\n".join(parts) + "\n"


def _wrapped(text: str) -> str:
    paragraphs = text.strip().split("\n")
    return "\n\n".join(
        textwrap.fill(one, _WIDTH, break_long_words=False, break_on_hyphens=False) for one in paragraphs if one
    )


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page(opened(publish_samples(Home(Path(folder))))), encoding="utf-8")


if __name__ == "__main__":
    main()
