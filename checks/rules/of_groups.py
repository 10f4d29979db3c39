"""Written rules on groups of rows, on other tables and on the table as a whole."""

from __future__ import annotations

from dataclasses import replace

from checks.rules.group_demands import Changed, Drift, EachGroup, Fresh, StandsElsewhere
from checks.rules.known import earlier_relation, other_relation
from checks.rules.one_written import Written
from checks.rules.row_queries import ROW_ID, nearest_there
from checks.rules.row_words import RowWords
from checks.rules.rule import Rule
from checks.rules.written import RefersTo
from warehouse.declarations import quote
from warehouse.messages import Message, message
from warehouse.sql import day_literal

_BY_SHARES = ("string", "boolean")


def each_group(written: Written) -> Rule:
    """A rule on groups of rows."""
    rule, known = written.rule, written.known
    keys = {name: known.dated(sql) for name, sql in rule.keys.items()}
    low, high = (None if bound is None else _bound(bound) for bound in (rule.minimum, rule.maximum))
    when = known.dated(rule.when) if rule.when else None
    demand = EachGroup(rule.id, tuple(keys.items()), known.dated(rule.measure or ""), low, high, when)
    return written.judging(demand, _group_words(written, demand))


def _bound(bound: float | str) -> str:
    return bound if isinstance(bound, str) else f"{bound:g}"


def _group_words(written: Written, demand: EachGroup) -> RowWords | None:
    rule = written.rule
    given = {
        **{name: written.known.dated(sql) for name, sql in rule.values.items()},
        **{
            name: bound
            for name, bound in (("minimum", demand.minimum), ("maximum", demand.maximum))
            if bound is not None
        },
    }
    if not written.shows(demand.measure, *(sql for _, sql in demand.keys), *given.values()):
        return None
    more = "".join(f", {sql} AS {quote(name)}" for name, sql in given.items())
    keys = ", ".join(f"CAST({quote(name)} AS VARCHAR) AS {quote(name)}" for name, _ in demand.keys)
    identity = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name, _ in demand.keys)
    named = "".join(f", {quote(name)}" for name in given)
    query = (
        f"SELECT {ROW_ID}, {keys}, observed, concat_ws(' | ', {identity}) AS identity{named}"
        f" FROM ({demand.groups.replace('{more}', more)}) AS groups"
    )
    return written.words_of(_with_observed(query))


def _with_observed(query: str) -> str:
    """The query with a number observed as people write it: whole ones without a point."""
    number = "TRY_CAST(observed AS DOUBLE)"
    text = (
        f"CASE WHEN {number} = floor({number}) THEN CAST(CAST(observed AS BIGINT) AS VARCHAR)"
        " ELSE CAST(observed AS VARCHAR) END"
    )
    return f"SELECT * REPLACE ({text} AS observed) FROM ({query})"


def standing_elsewhere(written: Written, refers_to: RefersTo) -> Rule:
    """A rule on rows that stand in another table too."""
    rule, known = written.rule, written.known
    relation, is_there, may_tell = f"{written.schema}.{quote(refers_to.table)}", True, True
    if refers_to.source is not None:
        relation = other_relation(refers_to.source, refers_to.table)
        is_there = f"{refers_to.source}.{refers_to.table}" in known.elsewhere
    else:
        may_tell = refers_to.table not in known.unnamed
    demand = StandsElsewhere(rule.id, relation, refers_to.columns)
    words = None
    if len(rule.columns) == 1 and may_tell and written.is_staged and written.shows(*rule.columns):
        near = message("Write “{near}” if that is meant.")
        choice = message("Choose one of {choice}.")
        query = nearest_there(rule.columns[0], refers_to.columns[0], relation)
        words = written.words_of(query, variants=(near, choice, ""))
    made = written.judging(demand, words)
    if is_there:
        return made
    there = message("Nothing is known of {source} yet.", source=refers_to.source or "")
    return replace(made, not_asked=there)


def measured(written: Written) -> Rule:
    """A rule on the table as a whole."""
    rule, table, known = written.rule, written.table, written.known
    earlier = earlier_relation(table.name)
    if rule.newest_days is not None:
        day = day_literal(known.day) if known.day else "CAST(NULL AS DATE)"
        made = written.judging(Fresh(rule.id, rule.newest_days, day), None)
        return made if known.day else replace(made, not_asked=_unknown_day())
    if rule.changed_pct is not None:
        made = written.judging(Changed(rule.id, rule.changed_pct, table.primary_key, earlier), None)
    else:
        is_ordered = table.field(rule.columns[0]).type not in _BY_SHARES
        made = written.judging(Drift(rule.id, rule.drift_pct or 0, earlier, is_ordered), None)
    if table.name in known.earlier:
        return made
    return replace(made, not_asked=message("There is nothing earlier to compare with."))


def _unknown_day() -> Message:
    return message("Nobody can tell of what day the data are.")
