"""What holds of every declared source: a new one is tested by being there."""

from __future__ import annotations

import pytest

from flows.declarations import Declarations
from warehouse import ledger
from warehouse.declarations import FieldDeclaration
from warehouse.history import history_table
from warehouse.store import reader

DECLARED = Declarations.read()
FIELDS = [
    pytest.param(field, id=f"{source.name}.{table.name}.{field.name}")
    for source in DECLARED.sources.values()
    for table in source.tables
    for field in table.fields
]
UNITS = {"EUR": "_eur", "GBP": "_gbp", "m2": "_m2", "%": "_pct", "d": "_days", "min": "_minutes", "h": "_hours"}


def faults_of_name(field: FieldDeclaration) -> list[str]:
    """What the house's words ask of a field's name, and it is not."""
    is_coded = bool(field.constraints.enum or field.constraints.code_list or field.labels)
    wanted = {
        "a date ends with _date": field.type == "date" and not field.name.endswith("_date"),
        "a code ends with _code": is_coded and not field.name.endswith("_code"),
        "a truth value begins with is_ or has_": field.type == "boolean"
        and not field.name.startswith(("is_", "has_")),
        "a name carries its unit": field.unit in UNITS and not field.name.endswith(UNITS[field.unit]),
    }
    return [what for what, is_missed in wanted.items() if is_missed]


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_says_what_it_is(field):
    assert field.title
    assert faults_of_name(field) == []


@pytest.mark.parametrize("name", DECLARED.sources)
def test_its_rules_name_its_columns_and_where_they_come_from(name):
    source = DECLARED.sources[name]
    for table, rules in DECLARED.source_rules[name].tables.items():
        for rule in rules:
            assert {*rule.columns, *filter(None, [rule.dated_by])} <= {
                field.name for field in source.table(table).fields
            }
            assert rule.source
            assert rule.demands, f"{rule.id}: what good rows keep, for the report"
            assert not rule.demands.endswith(".")
            assert rule.message.endswith(".")
            assert rule.help.endswith(".")


@pytest.mark.parametrize("name", DECLARED.sources)
def test_its_sample_is_read_passes_its_checks_and_is_loaded(name, samples_home):
    with reader(samples_home) as connection:
        (run,) = ledger.runs(connection, samples_home)
        (snapshot,) = ledger.snapshots(connection, name)
        assert run.sources[name].state == "good"
        for table in DECLARED.sources[name].tables:
            assert snapshot.tables[table.name].accepted
            assert connection.execute(f"SELECT count(*) FROM {history_table(name, table.name)}").fetchone() > (0,)
