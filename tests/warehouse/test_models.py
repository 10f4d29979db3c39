"""The SQL models: each is one SELECT in DuckDB's dialect. Their style is looked at by ``make lint``."""

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

MODELS = Path(__file__).parents[2] / "warehouse" / "models"
PATHS = sorted(MODELS.rglob("*.sql"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_model_is_one_select_that_says_what_its_rows_are(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- ")
    statements = sqlglot.parse(text, dialect="duckdb")
    assert [type(statement) for statement in statements] == [exp.Select]
    assert not any(isinstance(column.this, exp.Star) for column in statements[0].selects)
