"""The pages of the questions: the answer first, then a chart, the table, the SQL, and what it cannot say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from markupsafe import Markup, escape

from publish.portals.folder.feeds import title_of
from publish.portals.folder.files import sum_of
from publish.portals.folder.rendering import Site, in_language, render
from publish.questions import Answered, Question, QuestionChart, Shelved, answer_all, load_questions
from warehouse.messages import Language
from warehouse.messages.said import shown
from warehouse.messages.texts import filled

_MOST_BARS = 12
_MOST_ROWS = 200  # of a page; the file beside it has all
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_YEARS = range(1900, 2101)
_CODE = re.compile(r"`([^`]+)`")
_STRESS = re.compile(r"\*([^*]+)\*")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")


@dataclass(frozen=True)
class ShownBar:
    """A bar: its label, its value in words (empty if not known), its length in per cent, of how many it is."""

    label: str
    value: str
    share: float
    of: str


def answer_place(number: int) -> str:
    """Where a question's answer stands for machines."""
    return f"questions/{_by_number()[number].slug}/answer.json"


@cache
def _by_number() -> Mapping[int, Question]:
    return {question.number: question for question in load_questions()}


def answers_of(shelved: Mapping[str, Shelved], root: Path, noted: Mapping[str, str]) -> dict[int, Answered]:
    """The answers; those that stand here, as we wrote them, are not found again."""

    def known(question: Question) -> Answered | None:
        place = answer_place(question.number)
        try:
            content = (root / place).read_bytes()
            return Answered.of_json(json.loads(content)) if noted.get(place) == sum_of(content) else None
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None

    return answer_all(load_questions(), shelved, known)


def question_pages(
    answers: Mapping[int, Answered], cards: Sequence[Mapping[str, Any]], language: Language, site: Site
) -> dict[str, bytes]:
    """A page a question, and that of all of them, by place."""
    views = question_views(answers, cards, language)
    pages = {}
    for at, view in enumerate(views):
        place = in_language(f"questions/{view['slug']}/index.html", language)
        before, after = views[at - 1] if at else None, views[at + 1] if at + 1 < len(views) else None
        pages[place] = render("question.html", place, language, site, question=view, before=before, after=after)
    return pages


def question_views(
    answers: Mapping[int, Answered], cards: Sequence[Mapping[str, Any]], language: Language
) -> list[dict[str, Any]]:
    """The questions with their answers as pages show them, in a language."""
    by_name = {card["name"]: card for card in cards}
    return [question_view(question, answers[question.number], by_name, language) for question in load_questions()]


def question_view(
    question: Question, answered: Answered, cards: Mapping[str, Mapping[str, Any]], language: Language
) -> dict[str, Any]:
    """A question with its answer as a page shows it, in a language; the datasets' cards by their names."""
    codes = _codes(question, cards, language)
    figure = {name: _value(value, language, codes.get(name, {})) for name, value in answered.figure.items()}
    sentence = question.figure.sentence.in_language(language)
    reads = [cards[name] for name in question.reads if name in cards]
    return {
        "number": question.number,
        "slug": question.slug,
        "title": question.title.in_language(language),
        "introduction": _inline(question.introduction.in_language(language)),
        "cannot_say": _inline(question.cannot_say.in_language(language)),
        "sql": question.sql.strip(),
        "state": answered.state,
        "missing": answered.missing,
        "value": filled(question.figure.value, figure, str) if figure else "",
        "unit": question.figure.unit.in_language(language) if question.figure.unit else "",
        "sentence": filled(sentence, figure, str) if figure else "",
        "chart_title": question.chart.title.in_language(language) if question.chart else "",
        "bars": _bars(answered, question.chart, codes.get("label", {}), language) if question.chart else [],
        "bars_left": max(0, len(answered.bars) - _MOST_BARS),
        "headings": [
            question.headings[name].in_language(language) if name in question.headings else name
            for name in answered.columns
        ],
        "rows": _cells(answered, codes, language),
        "rows_count": len(answered.rows),
        "is_number": [
            any(isinstance(row[at], int | float) for row in answered.rows) and not name.endswith("year")
            for at, name in enumerate(answered.columns)
        ],
        "datasets": [
            {
                "name": card["name"],
                "title": title_of(card, language),
                "version": card["version"],
                "date": card["data_date"],
                "licence": card["licence"]["id"],
            }
            for card in reads
        ],
        "date": max((card["data_date"] for card in reads), default=""),
    }


Codes = Mapping[str, str]
"""What the codes of a column mean in a language."""


def _codes(question: Question, cards: Mapping[str, Mapping[str, Any]], language: Language) -> dict[str, Codes]:
    """By columns of an answer what their codes mean: of those called as in a dataset, and of those declared."""
    found: dict[str, Codes] = {}
    for name in reversed(question.reads):
        for column in cards.get(name, {}).get("columns", []):
            if words := column.get("words", {}).get(language.value):
                found[column["name"]] = words
                found[f"{name}.{column['name']}"] = words
    return found | {name: found.get(column, {}) for name, column in question.codes.items()}


def _bars(answered: Answered, chart: QuestionChart, codes: Codes, language: Language) -> list[ShownBar]:
    drawn = answered.bars[:_MOST_BARS]
    longest = chart.ends_at or max((abs(bar.value) for bar in drawn if bar.value is not None), default=0.0) or 1.0
    own = {label: words.in_language(language) for label, words in chart.words.items()}
    counted = chart.counts.in_language(language) if chart.counts else ""
    return [
        ShownBar(
            _joined([own.get(part) or _value(part, language, codes) for part in bar.label]),
            "" if bar.value is None else f"{_value(_whole(bar.value), language)} {chart.unit}".strip(),
            0.0 if bar.value is None else round(min(100 * max(bar.value, 0.0) / longest, 100), 2),
            f"{counted}: {_value(_whole(bar.n), language)}" if counted and bar.n is not None else "",
        )
        for bar in drawn
    ]


def _joined(parts: Sequence[str]) -> str:
    """The parts of a label: "2018, planned"."""
    first, *others = parts or [""]
    return ", ".join([first, *(one[:1].lower() + one[1:] for one in others)])


def _whole(value: float) -> float:
    return int(value) if value.is_integer() else value


def _cells(answered: Answered, codes: Mapping[str, Codes], language: Language) -> list[list[str]]:
    """The rows as they are read. A column all of whose numbers may be years has no separators."""
    columns = []
    for at, name in enumerate(answered.columns):
        values = [row[at] for row in answered.rows]
        plain = all(value is None or value in _YEARS for value in values)
        columns.append([_cell(value, language, codes.get(name, {}), plain) for value in values[:_MOST_ROWS]])
    return [list(row) for row in zip(*columns, strict=True)]


def _cell(value: Any, language: Language, codes: Codes, is_year: bool) -> str:
    """A value of the table; empty where nothing is known. In a list each number may be a year by itself."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(_cell(one, language, codes, one in _YEARS) for one in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        one = _whole(float(value))
        return str(one) if is_year else _value(one, language)
    return _value(value, language, codes)


def _value(value: Any, language: Language, codes: Codes = MappingProxyType({})) -> str:
    if isinstance(value, str):
        return codes.get(value) or _day(value, language)
    if isinstance(value, list):
        return ", ".join(_value(one, language, codes) for one in value)
    return shown(value, language).replace("-", "\N{MINUS SIGN}")


def _day(text: str, language: Language) -> str:
    """A day as the language has it; any other text as it stands."""
    try:
        return shown(date.fromisoformat(text), language) if _DAY.fullmatch(text) else text
    except ValueError:  # the 31st of February
        return text


def _inline(text: str) -> Markup:
    """A declared text with its `code` and *stress*; a link to a page of the project is its words."""
    escaped = str(escape(_LINK.sub(r"\1", text.strip())))
    # escaped before: what is added is ours
    return Markup(_STRESS.sub(r"<em>\1</em>", _CODE.sub(r"<code>\1</code>", escaped)))  # noqa: S704
