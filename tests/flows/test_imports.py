"""What a command may import: its start-up is the sum of that, and grows unseen. Nothing here is timed."""

import subprocess
import sys

import pytest

from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.test_night import DAY

ORCHESTRATION = {"prefect", "dlt", "great_expectations", "fastapi", "sqlalchemy"}
# DuckDB imports these when it is given parameters: warehouse.database.fetch gives it none.
FRAMES = {"pandas", "numpy", "pyarrow"}
NETWORK = {"requests", "httpx", "ckanapi"}
DOCUMENTS = {"openpyxl", "xlsxwriter", "jinja2", "defusedxml"}
LOOKING = {*ORCHESTRATION, *FRAMES, *NETWORK, *DOCUMENTS, "cryptography"}
NOTHING = {*LOOKING, "sqlglot", "duckdb", "pydantic", "yaml", "rich"}

FORBIDDEN = {
    ("--help",): NOTHING,
    ("--version",): NOTHING,
    ("export", "--help"): LOOKING,
    ("status",): {*LOOKING, "sqlglot"},
    ("sources",): {*LOOKING, "sqlglot"},
    ("datasets",): LOOKING,
    ("export", "agile-pilots", "-o", "pilots.csv"): {*LOOKING, "sqlglot"},
    ("verify-disclosure", "."): {*LOOKING, "sqlglot", "scipy"},
    ("plan",): {*ORCHESTRATION, *NETWORK},
    ("backfill", "--from", "2026-01-01", "--to", "2026-12-31", "--plan"): {*ORCHESTRATION, *FRAMES},
}
PROGRAM = """
import sys
from flows.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    sys.stdout.flush()
    print("\\nimported", *sorted(name for name in sys.modules if "." not in name))
    sys.exit(end.code)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home after a night, with a finding for ``status`` to tell."""
    folder = tmp_path_factory.mktemp("night")
    workbook = factory.workbook_with_one_of_each_error(folder / "pilots.xlsx")
    nights.run(nights.settings_of(folder / "home"), DAY, {"agile_pilots": workbook})
    return folder / "home"


@pytest.mark.parametrize(("arguments", "forbidden"), FORBIDDEN.items(), ids=map(" ".join, FORBIDDEN))
def test_a_command_imports_no_more_than_it_needs(home, tmp_path, arguments, forbidden):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={"OPENDISTRICT_HOME": str(home)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == {"status": 3, "verify-disclosure": 1}.get(arguments[0], 0), done.stderr
    imported = set(done.stdout.rpartition("\nimported ")[2].split())
    assert "typer" in imported
    assert imported & forbidden == set()
