"""Rows of a release that is older than the declaration are read all the same."""

import duckdb

from publish.portals.folder.reading import rows_of
from tests.publish import places


def test_a_column_that_the_release_lacks_or_had_as_text_is_empty(tmp_path):
    table = places.declaration().table
    first, *others = table.fields
    other = next(field for field in others if field.type in ("integer", "number", "date"))
    path = tmp_path / "old.parquet"
    duckdb.sql(f"SELECT 'a' AS \"{first.name}\", 'many' AS \"{other.name}\"").write_parquet(str(path))
    with rows_of(table, path) as connection:
        (row,) = connection.sql("FROM rows").fetchall()
    assert row == ("a", *(None for _ in others))
