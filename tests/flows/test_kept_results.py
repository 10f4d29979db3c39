"""What Great Expectations said of a check is kept as its own JSON, and its own pages are made of it on demand."""

import json

import pytest
from typer.testing import CliRunner

from flows.cli import app


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_the_account_of_a_source_has_counts_and_no_values(night_of_pilots):
    done = run("checks", "agile_pilots", "--home", night_of_pilots / "home")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert set(found) == {"pilots", "rounds"}
    assert found["pilots"]["success"]
    assert found["pilots"]["statistics"]["evaluated_expectations"] > 20
    assert "pilot-1" not in done.stdout


def test_its_own_pages_are_made_on_demand(night_of_pilots, tmp_path):
    done = run("checks", "agile-pilots", "--home", night_of_pilots / "home", "--data-docs", tmp_path / "docs")
    assert done.exit_code == 0, done.output
    (page,) = (tmp_path / "docs").glob("*.html")
    assert "agile_pilots" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "code", "words"), [("nothing", 2, "there is no source or dataset"), ("kalasatama", 1, "is kept")]
)
def test_what_was_not_checked_is_said(night_of_pilots, name, code, words):
    done = run("checks", name, "--home", night_of_pilots / "home")
    assert (done.exit_code, words in done.output + str(done.exception)) == (code, True)
