"""Great Expectations inside DuckDB: run a list of expectations on one table, without copying it.

Great Expectations 1.24 (GE) has no DuckDB engine of its own (a native one is an open pull request,
great_expectations#12084), and through duckdb-engine it loses rows or crashes (#10738, #11579): GE reads a
result after it gave the connection back, and duckdb-engine keeps a single result per connection.

So nothing here pretends to be a database driver. GE keeps what it is good at: what an expectation means, which
measures it needs, which of them fit into one scan, and when it succeeds. It writes its SQL through a small
SQLAlchemy dialect (`_Dialect`), and `_DuckDBExecutionEngine` hands that SQL to DuckDB as text. No SQLAlchemy
connection is ever opened, no dialect is registered, and no GE data context exists: the context is the part of GE
that is global to the process, has the settings for analytics and progress bars, and owns stores of files.

Importing GE takes 4 to 6 seconds: import this module where it is needed, not at the top of a program.
"""

import datetime as dt
import decimal
import logging
import threading
import types
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NoReturn

import duckdb
import sqlalchemy as sa
from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value
from great_expectations.validator.metric_configuration import MetricConfiguration, MetricConfigurationID
from great_expectations.validator.validator import Validator
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect, PGIdentifierPreparer
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

from checks.expected import MEASURED, Expected, Outcome, SuiteResult
from checks.gx_expectations import CountedRows, Measured, substitute

_ONE_AT_A_TIME = threading.Lock()
_CUSTOM_SQL = "unexpected_rows_expectation"
_COMPOUND = "expect_compound_columns_to_be_unique"
# Where the query GE reports was tested to return exactly the rows GE counts. Other types get no query: that of
# expect_column_pair_values_to_be_equal, for one, also returns the rows where both are NULL, which GE ignores.
_QUERY_IS_EXACT = frozenset(
    {
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_value_lengths_to_be_between",
        "expect_column_value_lengths_to_equal",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_null",
        "expect_column_values_to_be_unique",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_not_match_regex",
    }
)


def run_suite(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    expected: Sequence[Expected],
    *,
    row_id: str = "_row",
) -> SuiteResult:
    """Run expectations on a table and say for each how it went, in the order given.

    Everything runs on a cursor of `connection`, that is on a second connection to the same open database: it
    sees attached databases and committed data, not temporary tables or an open transaction, and an error in one
    of our queries does not abort the caller's transaction. `schema` is looked up as on `connection`, so after
    `USE other_database` it is a schema of that database. Calls may run at the same time in several threads, on
    one connection too, as long as nothing else is using it; a result the caller is still fetching is lost.

    Nothing is raised for an expectation that cannot be evaluated: its outcome says why, and the others are still
    evaluated. On an empty table every expectation about rows holds: have one about the number of rows as well.

    Args:
        connection: A connection to the database that holds the table.
        schema: The schema of the table.
        table: The table or view to check.
        expected: The expectations.
        row_id: The column that identifies a row; `Outcome.unexpected_query` selects it.

    Returns:
        One outcome for each expectation, and Great Expectations' own account of them.
    """
    # GE logs what it also returns as a result, on stderr where the program has set no log handler.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    try:
        cursor = _cursor(connection)
    except duckdb.Error as error:
        return _account(f"{schema}.{table}", [_failed(one, error) for one in expected])
    with closing(cursor):
        suite = _Suite(cursor, schema, table, row_id)
        try:
            # All at once, so that GE puts the measures that can share a scan into one query.
            ran = suite.run(expected)
        except Exception:
            # GE cannot say which expectation broke the others (with `catch_exceptions` it tries everything three
            # times, and what it puts in `exception_info` has two shapes): let each one speak for itself.
            ran = [suite.run_one(one) for one in expected]
    return _account(f"{schema}.{table}", ran)


@dataclass(frozen=True)
class _Ran:
    """One expectation that ran: our outcome of it, and GE's result, if it could be evaluated."""

    outcome: Outcome
    result: ExpectationValidationResult


def _account(suite: str, ran: Sequence[_Ran]) -> SuiteResult:
    """The outcomes, and GE's own document of them, which says of rows how many they are and nothing else."""
    passed = sum(one.outcome.success for one in ran)
    whole = ExpectationSuiteValidationResult(
        success=passed == len(ran),
        results=[_without_rows(one.result) for one in ran],
        suite_name=suite,
        statistics={
            "evaluated_expectations": len(ran),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(ran) - passed,
            "success_percent": 100 * passed / len(ran) if ran else None,
        },
    )
    document: dict[str, Any] = whole.to_json_dict()  # type: ignore[no-untyped-call]
    return SuiteResult(tuple(one.outcome for one in ran), document)


def _without_rows(result: ExpectationValidationResult) -> ExpectationValidationResult:
    """A result with its counts alone: GE keeps the query of the failing rows beside them."""
    counts = {
        name: value
        for name, value in (result.result or {}).items()
        if name in ("observed_value", "element_count") or name.endswith(("_count", "_percent"))
    }
    return ExpectationValidationResult(
        success=result.success,
        expectation_config=result.expectation_config,
        result=counts,
        meta=result.meta,
        exception_info=result.exception_info,
    )


def _cursor(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Open a second connection to the same database, with names looked up as on the first."""
    # The one query on the caller's own connection, and the one moment two threads may not share: DuckDB answers
    # the loser with "Attempting to execute an unsuccessful or closed pending query result".
    with _ONE_AT_A_TIME:
        path = connection.sql("SELECT current_setting('search_path')").fetchall()[0][0]
        cursor = connection.cursor()
    if path:
        cursor.execute(f"SET search_path = {_literal(path)}")
    return cursor


class _Suite:
    """GE set up for one table."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, schema: str, table: str, row_id: str) -> None:
        self.cursor = cursor
        self.table = f"{_quote(schema)}.{_quote(table)}"
        self.row_id = row_id
        engine = _DuckDBExecutionEngine(cursor)
        engine.load_batch_data(table, SqlAlchemyBatchData(engine, table_name=table, schema_name=schema))
        self.validator = Validator(engine)
        self.validator.metrics_calculator.show_progress_bars = False

    def run(self, expected: Sequence[Expected]) -> list[_Ran]:
        """Evaluate expectations together; raise what any of them raises."""
        results = self._validated(expected)
        # The query of the failing rows for those alone that have some: writing one takes as long as counting.
        broken = [
            number
            for number, (one, result) in enumerate(zip(expected, results, strict=True))
            if one.type in _QUERY_IS_EXACT and result.result["unexpected_count"]
        ]
        asked_again = self._validated([expected[number] for number in broken], return_unexpected_index_query=True)
        results = [*results]
        for number, result in zip(broken, asked_again, strict=True):
            results[number] = result
        return [
            _Ran(self._outcome(one, bool(result.success), result.result), _named(one, result))
            for one, result in zip(expected, results, strict=True)
        ]

    def _validated(
        self, expected: Sequence[Expected], *, return_unexpected_index_query: bool = False
    ) -> list[ExpectationValidationResult]:
        """What GE says of expectations: counts, and if asked for, the query of the failing rows."""
        return self.validator.graph_validate(
            [_configuration(one) for one in expected],
            runtime_configuration={
                "catch_exceptions": False,
                # BASIC also asks for examples, of which our engine has none.
                "result_format": {
                    "result_format": "BASIC",
                    "partial_unexpected_count": 0,
                    "unexpected_index_column_names": [self.row_id],
                    "return_unexpected_index_query": return_unexpected_index_query,
                },
            },
        )

    def run_one(self, one: Expected) -> _Ran:
        """Evaluate one expectation; what it raises becomes its outcome."""
        try:
            return self.run([one])[0]
        except Exception as error:
            return _failed(one, error)

    def _outcome(self, one: Expected, success: bool, result: dict[str, Any]) -> Outcome:
        if "observed_value" in result:
            return Outcome(one.rule_id, success, observed=str(result["observed_value"]))
        return Outcome(
            one.rule_id,
            success,
            element_count=result.get("element_count"),
            unexpected_count=int(result["unexpected_count"] or 0),  # GE: None on an empty table
            unexpected_query=self._unexpected_query(one, result),
        )

    def _unexpected_query(self, one: Expected, result: dict[str, Any]) -> str | None:
        if not result["unexpected_count"]:
            return None
        row_id = _quote(self.row_id)
        if one.type == _CUSTOM_SQL:
            custom = substitute(one.kwargs["unexpected_rows_query"], self.table)
            names = [str(row[0]).lower() for row in self.cursor.execute(f"DESCRIBE {custom}").fetchall()]
            return f"SELECT {row_id} FROM (\n{custom}\n)" if self.row_id.lower() in names else None
        if one.type == _COMPOUND:
            # GE's own joins the table to the groups without a condition, every row with every other. Like GE's
            # count, which joins groups by equality, this leaves out rows with a NULL in any of the columns.
            columns = [_quote(name) for name in one.kwargs["column_list"]]
            present = " AND ".join(f"{name} IS NOT NULL" for name in columns)
            groups = f"count(*) OVER (PARTITION BY {', '.join(columns)})"
            return f"SELECT {row_id} FROM {self.table} WHERE {present} QUALIFY {groups} > 1"
        if one.type in _QUERY_IS_EXACT:
            return f"SELECT {row_id} FROM ({result['unexpected_index_query'].removesuffix(';')})"
        return None


def _configuration(one: Expected) -> ExpectationConfiguration:
    """Translate one of ours to GE's, refusing what GE would get wrong without a word."""
    if one.kwargs.get("row_condition") is not None:
        # GE counts with the condition and selects the failing rows without it.
        raise ValueError("row_condition is not supported: write the rule as a custom SQL expectation")
    if one.type == "expect_column_values_to_not_be_outliers":
        raise ValueError("outliers are not supported: they would need the filter that our engine leaves out")
    if one.type == MEASURED:
        query, bounds = one.kwargs["query"], (one.kwargs.get("min_value"), one.kwargs.get("max_value"))
        return ExpectationConfiguration(
            Measured.expectation_type,
            {"unexpected_rows_query": query, "min_value": bounds[0], "max_value": bounds[1]},
        )
    if one.type == _CUSTOM_SQL:
        if "{batch}" not in one.kwargs.get("unexpected_rows_query", ""):
            # GE prints a warning to stdout and goes on to check whatever the query reads.
            raise ValueError("unexpected_rows_query must read from {batch}, the table under test")
        return ExpectationConfiguration(CountedRows.expectation_type, dict(one.kwargs))
    # GE takes numbers and datetimes as bounds and rejects dates.
    kwargs = {
        name: dt.datetime(value.year, value.month, value.day)
        if type(value) is dt.date and name in ("min_value", "max_value")
        else value
        for name, value in one.kwargs.items()
    }
    return ExpectationConfiguration(one.type, kwargs)


def _named(one: Expected, result: ExpectationValidationResult) -> ExpectationValidationResult:
    """GE's result, with the name of our rule and the type that we asked for."""
    result.expectation_config = ExpectationConfiguration(one.type, one.kwargs, meta={"rule": one.rule_id})
    return result


def _failed(one: Expected, error: Exception) -> _Ran:
    said = str(error) or type(error).__name__
    info = {"raised_exception": True, "exception_message": type(error).__name__, "exception_traceback": None}
    result = ExpectationValidationResult(success=False, result={}, exception_info=info)
    return _Ran(Outcome(one.rule_id, success=False, error=said), _named(one, result))


class _DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """GE's SQL engine with DuckDB in the place of a SQLAlchemy connection."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        dialect: Callable[[], sa.Dialect] = _Dialect
        super().__init__(engine=sa.Engine(sa.NullPool(_no_connection), dialect(), sa.make_url("duckdb://")))
        self._cursor = cursor
        # GE looks here for the names of SQL types and, to choose a function for regular expressions, for marks
        # of the dialects it knows. The mark of Dremio gives REGEXP_MATCHES(column, pattern), which is what
        # DuckDB calls it too; the `~` of PostgreSQL would mean a match of the whole value in DuckDB.
        module = types.ModuleType("opendistrict_duckdb_types")
        vars(module).update({k: v for k, v in vars(sa.types).items() if k[0] != "_"}, DremioDialect=None)
        self.dialect_module = module
        self._resolved: dict[MetricConfigurationID, Any] = {}

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[MetricConfiguration],
        metrics: dict[MetricConfigurationID, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[MetricConfigurationID, Any]:
        """Measure what was not measured before on this table, and take no examples: GE runs a query for each."""
        wanted = {one.id: one for one in metrics_to_resolve}
        self._resolved |= {name: [] for name in wanted if name.metric_name.endswith(".unexpected_values")}
        unknown = [one for name, one in wanted.items() if name not in self._resolved]
        if unknown:
            self._resolved |= super().resolve_metrics(unknown, metrics, runtime_configuration)
        return {name: self._resolved[name] for name in wanted}

    def execute_query(self, query: Any) -> Any:
        # A text is passed on as it is: SQLAlchemy would take ' :x' in a string for a parameter, and strip the
        # backslash of '\:'.
        sql = query.text if isinstance(query, sa.TextClause) else str(query.compile(dialect=self.engine.dialect))
        result = self._cursor.execute(sql)
        names = [column[0] for column in result.description or ()]
        # Read at once: the next query on this cursor would end an unread result.
        return IteratorResult(SimpleResultMetaData(names), iter(result.fetchall()))

    execute_query_in_transaction = execute_query

    def add_column_row_condition(self, domain_kwargs: Any, *_: Any, **__: Any) -> Any:
        # GE leaves out NULLs twice where it measures lengths: in the condition, which is enough, and with this
        # filter, a text like 'col("name").notnull()' that it fails to parse when the name has a quote in it. A
        # filter also costs a scan of its own, as only measures of the same rows share one.
        return domain_kwargs

    def get_inspector(self) -> Any:
        return _Inspector(self._cursor, self.engine.dialect)


class _CountDuplicates(MetricProvider):
    """The number of rows whose value occurs more than once.

    GE's own puts a count next to every row, in a window. On 5.5 million texts that took 2.1 s and 500 MB more;
    counting groups takes 0.8 s and 280 MB. GE picks this one for our engine, by the name of the engine's class.
    """

    metric_name = "column_values.unique.unexpected_count"
    domain_keys = ("batch_id", "table", "column", "row_condition", "condition_parser")

    @metric_value(engine=_DuckDBExecutionEngine)
    def _count(cls, execution_engine: Any, metric_domain_kwargs: dict[str, Any], **_: Any) -> int:  # noqa: N805
        return _rows_alike(execution_engine, metric_domain_kwargs, [metric_domain_kwargs["column"]])


class _CountCompoundDuplicates(MetricProvider):
    """The number of rows whose values in several columns, all of them filled, occur together more than once.

    GE's own joins every row to its group. On 1.5 million rows that took 0.6 s and 60 MB more, groups alone 0.3 s.
    """

    metric_name = "compound_columns.unique.unexpected_count"
    domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")

    @metric_value(engine=_DuckDBExecutionEngine)
    def _count(cls, execution_engine: Any, metric_domain_kwargs: dict[str, Any], **_: Any) -> int:  # noqa: N805
        return _rows_alike(execution_engine, metric_domain_kwargs, metric_domain_kwargs["column_list"])


def _rows_alike(execution_engine: Any, domain: dict[str, Any], names: Sequence[str]) -> int:
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in names]
    rows = sa.func.count()
    groups = (
        sa.select(rows.label("rows"))
        .select_from(execution_engine.get_domain_records(domain))
        .where(*(column.is_not(None) for column in columns))
        .group_by(*columns)
        .having(rows > 1)
        .subquery()
    )
    total = execution_engine.execute_query(sa.select(sa.func.sum(groups.c.rows))).scalar()
    return int(total or 0)


def _no_connection() -> NoReturn:
    raise NotImplementedError("this expectation needs a database connection of its own, which DuckDB has none for")


class _Inspector:
    """The two questions GE asks about a table.

    DESCRIBE answers for tables and views alike, where the reflection of duckdb-engine 0.17 reads a catalogue
    that DuckDB lacks (pg_catalog.pg_collation, with SQLAlchemy 2.0.45 or newer).
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, dialect: sa.Dialect) -> None:
        self._cursor = cursor
        self.dialect = dialect

    def get_pk_constraint(self, **_: Any) -> dict[str, Any]:
        return {}

    def get_columns(self, table_name: str, schema: str) -> list[dict[str, Any]]:
        rows = self._cursor.execute(f"DESCRIBE {_quote(schema)}.{_quote(table_name)}").fetchall()
        return [{"name": row[0], "type": _sql_type(row[1])} for row in rows]


def _sql_type(name: str) -> sa.types.TypeEngine[Any]:
    """The SQLAlchemy type of that name, so that GE can refuse, say, a range of numbers for a text."""
    known = getattr(sa.types, name.upper().split("(")[0], None)
    return known() if isinstance(known, type) else sa.types.NullType()


class _Preparer(PGIdentifierPreparer):
    """Quotes every name: the reserved words of DuckDB are not those of PostgreSQL (qualify, pivot, ...)."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class _Compiler(PGCompiler):
    """Writes values into the SQL instead of parameters.

    What is counted and what selects the failing rows is then the same text. GE's own way of filling parameters
    into the query it reports is a replacement in the text by `repr`, which breaks values with quotes.
    """

    def visit_bindparam(self, bindparam: Any, *args: Any, **kwargs: Any) -> str:
        kwargs["literal_binds"] = True
        written: Callable[..., str] = super().visit_bindparam
        return written(bindparam, *args, **kwargs)

    def render_literal_value(self, value: Any, type_: Any) -> str:
        return _literal(value)


class _Dialect(PGDialect):
    """PostgreSQL's SQL, as far as DuckDB speaks it."""

    name = "duckdb"
    default_paramstyle = "named"
    supports_statement_cache = False
    statement_compiler = _Compiler
    preparer = _Preparer


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: Any) -> str:
    """Write a Python value in DuckDB's SQL with its type, so that a comparison means what it says.

    Without it 0.1 would be a DECIMAL, and a moment compared with a DATE would lose its time of day.
    """
    match value:
        case None:
            return "NULL"
        case bool() | int():
            return str(value).upper()
        case float():
            return f"CAST('{value!r}' AS DOUBLE)"
        case decimal.Decimal():
            return f"{value:f}"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case dt.datetime():
            return f"{'TIMESTAMP' if value.tzinfo is None else 'TIMESTAMPTZ'} '{value.isoformat(' ')}'"
        case dt.date() | dt.time() | uuid.UUID():
            return f"'{value}'"
        case _:
            raise TypeError(f"no SQL literal for a {type(value).__name__}: {value!r}")
