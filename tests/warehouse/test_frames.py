"""The analyst's door: what is released comes back with its types, of the date asked for."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.files.render import write_parquet
from tests.publish import places
from warehouse import frames, ledger
from warehouse.declarations import TableDeclaration, parse, quote
from warehouse.home import Home
from warehouse.lease import Lease
from warehouse.releases import NotReleasedError
from warehouse.store import working_copy

TYPES = {
    "key": ("integer", None, st.integers(-(2**63), 2**63 - 1)),
    "word": (
        "string",
        None,
        st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1),
    ),
    "count": ("integer", None, st.integers(-(2**63), 2**63 - 1)),
    "score": ("number", None, st.floats(allow_nan=False, allow_infinity=False)),
    "amount_eur": ("number", 2, st.decimals(-(10**12), 10**12, places=2)),
    "is_open": ("boolean", None, st.booleans()),
    "opened_date": ("date", None, st.dates()),
    "seen_at": ("datetime", None, st.datetimes().map(lambda moment: moment.replace(microsecond=0))),
    "year": ("year", None, st.integers(-(2**15), 2**15 - 1)),
}
TABLE = parse(
    TableDeclaration,
    {
        "name": "things",
        "title": "Things",
        "each_row_is_a": "thing",
        "primaryKey": ["key"],
        "fields": [
            {"name": name, "title": name, "type": kind, "decimals": decimals}
            for name, (kind, decimals, _) in TYPES.items()
        ],
    },
    "test",
)
ROWS = st.lists(
    st.tuples(*(values if name == "key" else st.none() | values for name, (_, _, values) in TYPES.items())),
    max_size=6,
    unique_by=lambda row: row[0],
)
DAYS = [dt.date(2026, 2, 1), dt.date(2026, 3, 1)]


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_every_value_comes_back_as_it_was(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("parquet") / "things.parquet"
    with duckdb.connect() as connection:
        columns = ", ".join(f"{quote(field.name)} {field.duckdb_type}" for field in TABLE.fields)
        connection.execute(f"CREATE TABLE things ({columns})")
        for row in rows:
            connection.execute(f"INSERT INTO things VALUES ({', '.join('?' * len(row))})", list(row))
        write_parquet(connection, "things", TABLE, path)
    frame = frames.frame_of(path, {field.name: field.column_type for field in TABLE.fields})
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "key": "Int64",
        "word": "string",
        "count": "Int64",
        "score": "Float64",
        "amount_eur": "Float64",
        "is_open": "boolean",
        "opened_date": "datetime64[s]",
        "seen_at": "datetime64[s]",
        "year": "Int64",
    }
    assert [tuple(map(plain, row)) for row in frame.itertuples(index=False)] == [
        tuple(map(expected, row)) for row in sorted(rows)
    ]


def plain(value):
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value


def expected(value):
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.datetime):
        return pd.Timestamp(value).as_unit("s").isoformat()
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00"
    return value


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two releases of a dataset in the ledger, of February and of March."""
    home = Home(tmp_path_factory.mktemp("home"))
    with Lease(home, "test") as lease, working_copy(home, lease) as copy:
        with copy.connect() as connection:
            made = []
            for day, count in zip(DAYS, (10, 30), strict=True):
                made.append(places.release(home, places.rows(count), made, day))
                ledger.record_release(connection, made[-1], "run")
        copy.commit()
    return home


def test_the_latest_release_and_the_one_in_force_at_a_date(home):
    latest = frames.read("places", home=home)
    assert (len(latest), latest.attrs["version"]) == (30, "2026-03-01")
    assert len(frames.read("places", as_of=DAYS[1], home=home.root)) == 30
    before = frames.read("places", as_of="2026-02-28", home=str(home.root))
    assert (len(before), before.attrs["version"]) == (10, "2026-02-01")
    assert before.attrs["licence"] == "https://creativecommons.org/licenses/by/4.0/"


def test_a_frame_has_the_dataset_s_columns_in_the_order_of_the_key(home):
    frame = frames.read("places", home=home)
    assert list(frame.columns) == places.COLUMNS
    assert frame[["code", "number"]].equals(frame[["code", "number"]].sort_values(["code", "number"]))
    assert frame["area_m2"].isna().sum() == 6
    assert frame["name"][0] == places.HOSTILE[0]
    assert str(frame["opened_date"].dtype) == "datetime64[s]"


def test_what_is_not_there_is_said_in_words(home, tmp_path):
    with pytest.raises(NotReleasedError, match=r"there is no dataset plaices, only places$"):
        frames.read("plaices", home=home)
    with pytest.raises(NotReleasedError, match=r"no release by 2026-01-31: the first is of 2026-02-01$"):
        frames.read("places", as_of="2026-01-31", home=home)
    with pytest.raises(NotReleasedError, match=r"nothing was released in .* yet"):
        frames.read("places", home=tmp_path)


def test_pandas_is_imported_by_reading_only():
    code = "import sys, warehouse.frames; print('pandas' in sys.modules, 'pyarrow' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
