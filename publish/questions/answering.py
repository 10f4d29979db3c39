"""The answers to the questions, from the Parquet files that a portal shows. One that fails stops no other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb

from publish.questions.asking import ask, over
from publish.questions.declaring import Question

_FORMAT = 2  # raise it when the same rows would be kept as something else


@dataclass(frozen=True)
class Shelved:
    """A dataset's rows as they are shown: their version, the Parquet file and its SHA-256."""

    name: str
    version: str
    data_date: str
    parquet: Path
    sha256: str


@dataclass(frozen=True)
class AnsweredBar:
    """A bar: the parts of its label, its value, of how many it is; None where that is not known."""

    label: tuple[str, ...]
    value: float | None
    n: float | None = None


@dataclass(frozen=True)
class Answered:
    """What a question's answer is. Values are plain: numbers, texts, truth values, lists, None.

    ``made_of`` stands for the question and for the rows that it was answered from. ``state``: answered; missing:
    datasets that it reads are not shown; failed: the SELECT cannot be run on what is shown.
    """

    state: Literal["answered", "missing", "failed"]
    made_of: str
    missing: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    figure: Mapping[str, Any] = field(default_factory=dict)  # empty where nothing is known
    bars: tuple[AnsweredBar, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As plain values, and back by ``of_json``."""
        return {
            "state": self.state,
            "made_of": self.made_of,
            "missing": list(self.missing),
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "figure": dict(self.figure),
            "bars": [[list(bar.label), bar.value, bar.n] for bar in self.bars],
        }

    @staticmethod
    def of_json(content: Mapping[str, Any]) -> Answered:
        """An answer from what ``as_json`` made of it."""
        return Answered(
            state=content["state"],
            made_of=content["made_of"],
            missing=tuple(content["missing"]),
            columns=tuple(content["columns"]),
            rows=tuple(tuple(row) for row in content["rows"]),
            figure=content["figure"],
            bars=tuple(AnsweredBar(tuple(label), value, n) for label, value, n in content["bars"]),
        )


Known = Callable[[Question], Answered | None]
"""The answer that was found before, if it was kept."""


def answer_all(
    questions: Iterable[Question], shelved: Mapping[str, Shelved], known: Known = lambda question: None
) -> dict[int, Answered]:
    """The answers by the questions' numbers; what was answered from the same rows before is not asked again."""
    answers = {}
    for question in questions:
        made_of = _made_of(question, shelved)
        before = known(question)
        is_same = before is not None and before.made_of == made_of
        answers[question.number] = before if before and is_same else _answered(question, shelved, made_of)
    return answers


def _made_of(question: Question, shelved: Mapping[str, Shelved]) -> str:
    rows = [f"{name}={shelved[name].sha256 if name in shelved else ''}" for name in question.reads]
    text = "\n".join((str(_FORMAT), question.model_dump_json(include={"sql", "figure", "chart"}), *rows))
    return hashlib.sha256(text.encode()).hexdigest()


def _answered(question: Question, shelved: Mapping[str, Shelved], made_of: str) -> Answered:
    missing = tuple(name for name in question.reads if name not in shelved)
    if missing:
        return Answered("missing", made_of, missing)
    try:
        with over({name.replace("-", "_"): shelved[name].parquet for name in question.reads}) as connection:
            return _asked(question, connection, made_of)
    except (duckdb.Error, OSError):
        return Answered("failed", made_of)


def _asked(question: Question, connection: duckdb.DuckDBPyConnection, made_of: str) -> Answered:
    found = ask(connection, question.sql)
    within = f"WITH answer AS ({question.sql.rstrip().rstrip(';')})"
    summary = ask(connection, f"{within} {question.figure.sql}")
    figure = dict(zip(summary.columns, map(_plain, summary.rows[0]), strict=True)) if summary.rows else {}
    bars: tuple[AnsweredBar, ...] = ()
    if question.chart:
        bars = tuple(_bar(*row) for row in ask(connection, f"{within} {question.chart.sql}").rows)
    return Answered(
        "answered",
        made_of,
        columns=found.columns,
        rows=tuple(tuple(_plain(value) for value in row) for row in found.rows),
        figure={} if any(value is None for value in figure.values()) else figure,
        bars=bars,
    )


def _bar(label: Any, value: Any, n: Any = None) -> AnsweredBar:
    parts = label if isinstance(label, list) else [label]
    return AnsweredBar(tuple(str(part) for part in parts if part is not None), _number(value), _number(n))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _plain(value: Any) -> Any:
    """A value as JSON has it: what DuckDB gives as Decimal or as a huge integer is a number."""
    match value:
        case None | bool() | int() | str():
            return value
        case datetime():
            return value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case list() | tuple():
            return [_plain(one) for one in value]
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return int(number) if number.is_integer() else number
