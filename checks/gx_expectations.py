"""Great Expectations' custom expectations of ours: rows that a query finds, and a number that a query measures."""

from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value
from great_expectations.expectations.metrics.query_metrics.query_row_count.query_row_count import QueryRowCount


def substitute(query: str, table: str) -> str:
    """Fill {batch} with the quoted name of the table (literal braces are doubled, as GE documents)."""
    return QueryRowCount._format_query(query.rstrip("; \t\r\n"), batch=table)


class _CountFailingRows(QueryRowCount):
    """The number of rows a custom query returns.

    GE's own writes the table into the query without quotes, so that names like "My table" break it.
    """

    metric_name = "opendistrict.failing_rows"
    value_keys = ("unexpected_rows_query",)
    query_param_name: ClassVar[str] = "unexpected_rows_query"

    @classmethod
    def _get_substituted_batch_subquery_from_query_and_batch_selectable(
        cls, query: str, batch_selectable: Any, execution_engine: Any, query_parameters: Any = None
    ) -> str:
        table = execution_engine.engine.dialect.identifier_preparer.format_table(batch_selectable)
        # GE puts a bracket right behind it, which a comment in the last line would swallow.
        return substitute(query, table) + "\n"


class CountedRows(UnexpectedRowsExpectation):
    """GE's custom SQL expectation, running its query once.

    GE's own runs it a second time to fetch up to 200 of the rows, which no result format turns off.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = (_CountFailingRows.metric_name,)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        count = metrics[_CountFailingRows.metric_name]
        return {"success": count == 0, "result": {"unexpected_count": count}}


class _MeasureOfQuery(MetricProvider):
    """The one number that a custom query gives; None where it gives none."""

    metric_name = "opendistrict.measure"
    domain_keys = ("batch_id", "row_condition", "condition_parser")
    value_keys = ("unexpected_rows_query",)

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _measure(
        cls,  # noqa: N805
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> float | None:
        batch, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, MetricDomainTypes.TABLE)
        table = execution_engine.engine.dialect.identifier_preparer.format_table(batch)
        query = substitute(metric_value_kwargs["unexpected_rows_query"], table)
        value = execution_engine.execute_query(sa.text(query)).scalar()
        return None if value is None else float(value)


class Measured(UnexpectedRowsExpectation):
    """A number that SQL finds, within bounds: what no expectation of GE measures (change, drift, age)."""

    min_value: float | None = None
    max_value: float | None = None

    metric_dependencies: ClassVar[tuple[str, ...]] = (_MeasureOfQuery.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("unexpected_rows_query", "min_value", "max_value")

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        value = metrics[_MeasureOfQuery.metric_name]
        is_low = value is not None and self.min_value is not None and value < self.min_value
        is_high = value is not None and self.max_value is not None and value > self.max_value
        return {"success": not (is_low or is_high), "result": {"observed_value": value}}
