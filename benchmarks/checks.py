"""The suite of checks inside DuckDB against one hand-written SQL statement, and Great Expectations on pandas.

    python -m benchmarks.checks [--rows 5500000] [--memory 2GB] [--without-pandas]

The same 25 rules on the same generated rows, of which about one in ten thousand breaks each: types, required,
unique, pattern, list, range, length, reference, compound key, row conditions and the number of rows. Each way runs
in a process of its own and has to find the same number of rows for every rule. Prints seconds and processor
seconds of the checking alone (importing Great Expectations and loading the frame stand beside it), peak memory of
the process, and the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from checks.rules import ROW_ID, Rule, SourceRules, compile_rules
from warehouse.database import opened
from warehouse.declarations import TableDeclaration

ROWS = 5_500_000
_DISTRICTS = 1_000
_REQUIRED, _POSITIVE, _STATUSES = {"required": True}, {"minimum": 0}, ["active", "dissolved"]
_TABLE: Mapping[str, Any] = {
    "name": "companies",
    "title": "Companies",
    "each_row_is_a": "company",
    "primaryKey": ["register_code", "company_number"],
    "foreignKeys": [{"fields": ["district_id"], "table": "districts", "references": ["district_id"]}],
    "rows": {"minimum": 1_000, "maximum": 100_000_000},
    "fields": [
        {"name": "register_code", "title": "Register", "constraints": {"enum": ["ew", "sc", "ni"]}},
        {"name": "company_number", "title": "Number", "constraints": {"pattern": "[0-9]{8}"}},
        {"name": "org_id", "title": "Identifier", "constraints": {"unique": True}},
        {"name": "company_name", "title": "Name", "constraints": {**_REQUIRED, "minLength": 3, "maxLength": 60}},
        {"name": "status_code", "title": "Status", "constraints": {**_REQUIRED, "enum": _STATUSES}},
        {"name": "postcode", "title": "Postcode", "constraints": {"pattern": "[A-Z]{2}[0-9] [0-9][A-Z]{2}"}},
        {"name": "sector_code", "title": "Sector", "constraints": {"enum": ["ai", "health", "energy", "other"]}},
        {"name": "district_id", "title": "District", "type": "integer", "constraints": _REQUIRED},
        {"name": "founded_date", "title": "Founded", "type": "date", "constraints": {"minimum": "1900-01-01"}},
        {"name": "dissolved_date", "title": "Ended", "type": "date", "constraints": {"maximum": "2030-12-31"}},
        {"name": "staff_count", "title": "Staff", "type": "integer", "constraints": {**_POSITIVE, "maximum": 999}},
        {"name": "turnover_eur", "title": "Turnover", "type": "number", "constraints": _POSITIVE},
        {"name": "grant_eur", "title": "Grant", "type": "number", "constraints": {**_POSITIVE, "maximum": 50000}},
        {"name": "filed_text", "title": "Filed", "constraints": {"pattern": "[0-9]{4}-[0-9]{2}-[0-9]{2}"}},
    ],
}  # fmt: skip


def _written(name: str, columns: list[str], holds: str) -> dict[str, Any]:
    words = {"message": name, "help": name, "source": "benchmark", "severity": "warning"}
    return {"id": name, "columns": columns, "holds": holds, **words}


_WRITTEN = [
    _written("filed-is-a-date", ["filed_text"], "TRY_CAST(filed_text AS DATE) IS NOT NULL"),
    _written("ends-after-start", ["dissolved_date", "founded_date"], "dissolved_date >= founded_date"),
    _written(
        "dissolved-has-a-date",
        ["dissolved_date", "status_code"],
        "status_code <> 'dissolved' OR dissolved_date IS NOT NULL",
    ),
    _written("small-grants", ["grant_eur", "sector_code"], "sector_code <> 'other' OR grant_eur <= 40000"),
]
# The wrong ones are told by the row's number alone: another in ten thousand for every column.
_GENERATE = """
CREATE SCHEMA staged;
CREATE TABLE staged.districts AS SELECT CAST(range AS BIGINT) AS district_id FROM range({districts});
CREATE TABLE staged.companies AS
WITH numbered AS (
    SELECT range AS n, hash(range, 20261126) AS h, range % 10007 AS wrong FROM range({rows})
)
SELECT
    CASE WHEN wrong = 1 THEN 'xx' ELSE ['ew', 'sc', 'ni'][1 + n % 3] END AS register_code,
    CASE WHEN wrong = 2 THEN 'no number' WHEN wrong = 3 THEN lpad(CAST(n - 3 AS VARCHAR), 8, '0')
        ELSE lpad(CAST(n AS VARCHAR), 8, '0') END AS company_number,
    'GB-COH-' || CASE WHEN wrong = 4 THEN n - 1 ELSE n END AS org_id,
    CASE WHEN wrong = 5 THEN NULL WHEN wrong = 6 THEN 'x'
        ELSE 'Company of ' || chr(CAST(65 + h % 26 AS INTEGER)) || ' and ' || n || ' Limited' END AS company_name,
    CASE WHEN wrong = 7 THEN NULL WHEN wrong = 8 THEN 'gone' WHEN n % 5 = 0 THEN 'dissolved' ELSE 'active' END
        AS status_code,
    CASE WHEN wrong = 9 THEN 'nowhere'
        ELSE 'EC' || h % 9 || ' ' || h % 7 || chr(CAST(65 + h % 25 AS INTEGER)) || 'A' END AS postcode,
    CASE WHEN wrong = 10 THEN 'unheard of' ELSE ['ai', 'health', 'energy', 'other'][CAST(1 + h % 4 AS INTEGER)] END
        AS sector_code,
    CASE WHEN wrong = 11 THEN -1 WHEN wrong = 14 THEN NULL ELSE CAST(h % {districts} AS BIGINT) END AS district_id,
    CASE WHEN wrong = 12 THEN DATE '1800-01-01' ELSE DATE '1990-01-01' + CAST(h % 9000 AS INTEGER) END
        AS founded_date,
    CASE WHEN wrong = 13 THEN DATE '2099-01-01' WHEN wrong = 15 THEN DATE '1950-01-01'
        WHEN n % 5 = 0 AND n % 10005 > 0 THEN DATE '2020-01-01' END AS dissolved_date,
    CASE WHEN wrong = 16 THEN -5 ELSE CAST(h % 300 AS BIGINT) END AS staff_count,
    CASE WHEN wrong = 17 THEN -1.5 ELSE CAST(h % 1000000 AS DOUBLE) END AS turnover_eur,
    CASE WHEN wrong = 18 THEN 60000.5 WHEN wrong = 19 THEN 45000 ELSE CAST(h % 30000 AS DOUBLE) END AS grant_eur,
    CASE WHEN wrong = 20 THEN '2020-02-31' WHEN wrong = 21 THEN 'long ago'
        ELSE CAST(DATE '2015-01-01' + CAST(h % 4000 AS INTEGER) AS VARCHAR) END AS filed_text
FROM numbered;
CREATE VIEW staged.checked AS SELECT *, rowid AS _id FROM staged.companies;
"""

# By hand: all that can be counted in one scan is; doubled values need their groups.
_BY_HAND = """
SELECT
    count(*), {filters},
    (SELECT coalesce(sum(n), 0) FROM (
        SELECT count(*) AS n FROM staged.companies WHERE org_id IS NOT NULL GROUP BY org_id HAVING n > 1)),
    (SELECT coalesce(sum(n), 0) FROM (
        SELECT count(*) AS n FROM staged.companies
        WHERE register_code IS NOT NULL AND company_number IS NOT NULL
        GROUP BY register_code, company_number HAVING n > 1))
FROM staged.companies
"""
_WRONG = {
    "required:register_code": "register_code IS NULL",
    "code:register_code": "register_code NOT IN ('ew', 'sc', 'ni')",
    "required:company_number": "company_number IS NULL",
    "pattern:company_number": "NOT regexp_full_match(company_number, '[0-9]{8}')",
    "required:company_name": "company_name IS NULL",
    "length:company_name": "length(company_name) NOT BETWEEN 3 AND 60",
    "required:status_code": "status_code IS NULL",
    "code:status_code": "status_code NOT IN ('active', 'dissolved')",
    "pattern:postcode": "NOT regexp_full_match(postcode, '[A-Z]{2}[0-9] [0-9][A-Z]{2}')",
    "code:sector_code": "sector_code NOT IN ('ai', 'health', 'energy', 'other')",
    "range:founded_date": "founded_date < DATE '1900-01-01'",
    "range:dissolved_date": "dissolved_date > DATE '2030-12-31'",
    "range:staff_count": "staff_count NOT BETWEEN 0 AND 999",
    "range:turnover_eur": "turnover_eur < 0",
    "range:grant_eur": "grant_eur NOT BETWEEN 0 AND 50000",
    "pattern:filed_text": "NOT regexp_full_match(filed_text, '[0-9]{4}-[0-9]{2}-[0-9]{2}')",
    "required:district_id": "district_id IS NULL",
    "reference:district_id": "district_id NOT IN (SELECT district_id FROM staged.districts)",
    "filed-is-a-date:filed_text": "TRY_CAST(filed_text AS DATE) IS NULL",
    "ends-after-start:dissolved_date+founded_date": "dissolved_date < founded_date",
    "dissolved-has-a-date:dissolved_date+status_code": "status_code = 'dissolved' AND dissolved_date IS NULL",
    "small-grants:grant_eur+sector_code": "sector_code = 'other' AND grant_eur > 40000",
}


def the_rules() -> list[Rule]:
    """The 25 rules, from a declaration and a rules file, as a source has them."""
    table = TableDeclaration.model_validate(_TABLE)
    written = SourceRules.model_validate({"tables": {"companies": _WRITTEN}}).on(table)
    return compile_rules(table, written)


@dataclass(frozen=True)
class Taken:
    """What a way of checking took, and by rule how many rows it found."""

    seconds: float
    cpu: float
    before: float  # seconds of importing and loading
    peak_mb: float
    found: Mapping[str, int]


class Timer:
    """Seconds and processor seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), os.times()

    def taken(self) -> tuple[float, float]:
        """Both, until now."""
        now = os.times()
        return time.perf_counter() - self._wall, now.user + now.system - self._cpu.user - self._cpu.system


Way = Callable[[Path, str], tuple[float, float, float, dict[str, int]]]


def by_hand(file: Path, memory: str) -> tuple[float, float, float, dict[str, int]]:
    """One SQL statement."""
    filters = ", ".join(f"count(*) FILTER ({wrong})" for wrong in _WRONG.values())
    with opened(file, temporary=file.parent, memory=memory, read_only=True) as connection:
        timer = Timer()
        counts = connection.execute(_BY_HAND.format(filters=filters)).fetchone() or ()
        seconds, cpu = timer.taken()
    names = [*_WRONG, "unique:org_id", "unique:register_code+company_number"]
    return seconds, cpu, 0.0, dict(zip(names, map(int, counts[1:]), strict=True))


def ours(file: Path, memory: str) -> tuple[float, float, float, dict[str, int]]:
    """The suite inside DuckDB."""
    timer = Timer()
    from checks.gx_duckdb import run_suite  # imports Great Expectations

    rules = the_rules()
    before, _ = timer.taken()
    with opened(file, temporary=file.parent, memory=memory, read_only=True) as connection:
        timer = Timer()
        ran = run_suite(connection, "staged", "checked", [rule.expected for rule in rules], row_id=ROW_ID)
        seconds, cpu = timer.taken()
    if wrong := [one.error for one in ran.outcomes if one.error]:
        raise SystemExit(wrong[0])
    return (
        seconds,
        cpu,
        before,
        {one.rule_id: one.unexpected_count for one in ran.outcomes if one.unexpected_count is not None},
    )


def on_pandas(file: Path, memory: str) -> tuple[float, float, float, dict[str, int]]:
    """Great Expectations on a frame, with its own expectations."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    timer = Timer()
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    with opened(file, temporary=file.parent, memory=memory, read_only=True) as connection:
        frame = connection.execute("SELECT * FROM staged.companies").df()
        districts = [row[0] for row in connection.execute("SELECT district_id FROM staged.districts").fetchall()]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("companies")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name="rules")
    for rule in the_rules():
        kind, arguments = _for_pandas(rule, districts)
        suite.add_expectation_configuration(
            ExpectationConfiguration(kind, arguments, meta={"rule": rule.expected.rule_id})
        )
    before, _ = timer.taken()
    timer = Timer()
    result = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
    seconds, cpu = timer.taken()
    found = {}
    for one in result.results:
        name = one.expectation_config.meta["rule"]
        if one.exception_info.get("raised_exception"):
            raise SystemExit(f"{name}: {one.exception_info}")
        if "unexpected_count" in one.result:
            found[name] = int(one.result["unexpected_count"] or 0)
    return seconds, cpu, before, found


def _for_pandas(rule: Rule, districts: list[int]) -> tuple[str, dict[str, Any]]:
    """The same rule as Great Expectations has it for a frame: what we write as SQL it knows under other names."""
    asked = rule.expected
    match asked.rule_id.partition(":")[0]:
        case "reference":
            return "expect_column_values_to_be_in_set", {"column": "district_id", "value_set": districts}
        case "filed-is-a-date":
            arguments = {"column": "filed_text", "strftime_format": "%Y-%m-%d"}
            return "expect_column_values_to_match_strftime_format", arguments
        case "ends-after-start":
            pair = {"column_A": "dissolved_date", "column_B": "founded_date", "or_equal": True}
            arguments = {**pair, "ignore_row_if": "either_value_is_missing"}
            return "expect_column_pair_values_a_to_be_greater_than_b", arguments
        case "dissolved-has-a-date":
            condition = {"row_condition": 'status_code=="dissolved"', "condition_parser": "pandas"}
            return "expect_column_values_to_not_be_null", {"column": "dissolved_date", **condition}
        case "small-grants":
            condition = {"row_condition": 'sector_code=="other"', "condition_parser": "pandas"}
            return "expect_column_values_to_be_between", {"column": "grant_eur", "max_value": 40000, **condition}
    bounds = ("min_value", "max_value")  # it compares a frame's days with times, not with dates
    return asked.type, {
        name: datetime(value.year, value.month, value.day) if name in bounds and isinstance(value, date) else value
        for name, value in asked.kwargs.items()
    }


WAYS: Mapping[str, Way] = {"one SQL statement": by_hand, "ours": ours, "GE on pandas": on_pandas}


def _run(way: str, file: Path, memory: str) -> None:
    seconds, cpu, before, found = WAYS[way](file, memory)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
    print(json.dumps({"seconds": seconds, "cpu": cpu, "before": before, "peak_mb": used, "found": found}))


def _measured(way: str, file: Path, memory: str) -> Taken:
    command = [sys.executable, "-m", "benchmarks.checks", "--way", way, "--file", str(file), "--memory", memory]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Taken(**json.loads(done.stdout.splitlines()[-1]))


def _print(taken: Mapping[str, Taken]) -> None:
    print(f"{'':<20}{'seconds':>9}{'cpu s':>8}{'before':>8}{'peak MB':>9}")
    for way, one in taken.items():
        print(f"{way:<20}{one.seconds:>9.2f}{one.cpu:>8.2f}{one.before:>8.1f}{one.peak_mb:>9.0f}")
    us = taken["ours"]
    for way, other in taken.items():
        if other is not us:
            print(
                f"ours against {way}: {us.seconds / other.seconds:.2f} of the time,"
                f" {us.cpu / other.cpu:.2f} of the processor, {us.peak_mb / other.peak_mb:.2f} of the memory"
            )


def main() -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeat", type=int, default=2, help="of the two inside DuckDB; the best counts")
    parser.add_argument("--memory", default="2GB", help="DuckDB's limit")
    parser.add_argument("--without-pandas", action="store_true", help="it takes minutes and 1 GB a million rows")
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        _run(given.way, given.file, given.memory)
        return 0
    with tempfile.TemporaryDirectory(prefix="opendistrict-bench-") as folder:
        file = Path(folder) / "companies.duckdb"
        timer = Timer()
        with opened(file, temporary=file.parent, memory=given.memory) as connection:
            connection.execute(_GENERATE.format(rows=given.rows, districts=_DISTRICTS))
        print(f"generated {given.rows:,} rows in {timer.taken()[0]:.1f} s; {len(the_rules())} rules")
        taken: dict[str, Taken] = {}
        for way in WAYS:
            if way == "GE on pandas" and given.without_pandas:
                continue
            times = 1 if way == "GE on pandas" else given.repeat
            taken[way] = min((_measured(way, file, given.memory) for _ in range(times)), key=lambda one: one.cpu)
    _print(taken)
    found = [one.found for one in taken.values()]
    if any(one != found[0] for one in found):
        print(f"they do not find the same: {found}")
        return 1
    print(f"all found the same {sum(found[0].values()):,} broken cells and rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
