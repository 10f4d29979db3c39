"""What a question is: its words in both languages, its SQL, what its answer cannot say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr, model_validator

from warehouse.declared import DATASET_SLUG, SLUG, DeclarationError, Declared, parse, read_yaml
from warehouse.messages import Language

FOLDER = Path(__file__).parent
_FILE = re.compile(r"(?P<number>\d{2})_(?P<slug>[a-z][a-z0-9]*(_[a-z0-9]+)*)\.yaml")

_COLUMN = r"^[a-z][a-z0-9-]*\.[a-z][a-z0-9_]*$"


class Words(Declared):
    """A text in both languages. In running text `code` and *stress* may stand."""

    en: str
    fi: str

    def in_language(self, language: Language) -> str:
        """The text in a language."""
        return {Language.ENGLISH: self.en, Language.FINNISH: self.fi}[language]


class Figure(Declared):
    """The answer in one figure and one sentence, made of the row that a SELECT over the answer gives.

    ``answer`` is the view of the answer; names in braces are its columns. Where one of them is null, nothing is
    known, and that is said instead.
    """

    sql: str
    value: str
    unit: Words | None = None  # of what the value is; none where its sign says it
    sentence: Words


class QuestionChart(Declared):
    """Bars of what a SELECT gives: ``label`` and ``value``; it may read ``answer`` and the question's datasets.

    A label may be a list of texts. Where ``counts`` says of what, a third column says how many a value is of.
    """

    title: Words
    sql: str
    unit: str = ""
    full: float | None = Field(None, gt=0)  # where a bar ends; without it the longest fills its place
    counts: Words | None = None  # of what n is a number
    words: Mapping[str, Words] = {}  # labels that its SELECT has for itself, as they are said

    @property
    def ends_at(self) -> float | None:
        """The value of a bar that fills its place: a share is of a hundred."""
        return self.full or (100 if self.unit == "%" else None)


class Question(Declared):
    """A question to the published datasets."""

    number: int = Field(ge=1, le=99)
    title: Words
    introduction: Words
    reads: tuple[Annotated[str, Field(pattern=DATASET_SLUG)], ...] = Field(min_length=1)
    sql: str
    headings: dict[Annotated[str, Field(pattern=SLUG)], Words]
    # Columns whose codes are those of a dataset's column, as dataset.column: of the answer where they are called
    # otherwise than there, and ``label``, of the chart.
    codes: Mapping[Annotated[str, Field(pattern=SLUG)], Annotated[str, Field(pattern=_COLUMN)]] = {}
    figure: Figure
    chart: QuestionChart | None = None
    cannot_say: Words
    _slug: str = PrivateAttr("")

    @model_validator(mode="after")
    def _reads_whose_codes_it_has(self) -> Question:
        for name, column in self.codes.items():
            if column.split(".")[0] not in self.reads:
                raise ValueError(f"codes: {name}: it does not read {column.split('.')[0]}")
        return self

    @property
    def slug(self) -> str:
        """Its name in addresses, as its file has it; it never changes."""
        return self._slug


def load_question(path: Path) -> Question:
    """A question from its file.

    Raises:
        DeclarationError: it is none, or its file is called otherwise.
    """
    question = parse(Question, read_yaml(path), path)
    found = _FILE.fullmatch(path.name)
    if not found or int(found["number"]) != question.number:
        raise DeclarationError(f"{path}: its file must be {question.number:02d}_<slug>.yaml")
    question._slug = found["slug"].replace("_", "-")
    return question


def load_questions(folder: Path = FOLDER) -> tuple[Question, ...]:
    """The questions by number.

    Raises:
        DeclarationError: one cannot be used, or two have one number.
    """
    return _loaded(folder)


@cache
def _loaded(folder: Path) -> tuple[Question, ...]:
    found: dict[int, Question] = {}
    for path in sorted(folder.glob("*.yaml")):
        question = load_question(path)
        if question.number in found:
            raise DeclarationError(f"{path}: another question has the number {question.number}")
        found[question.number] = question
    ordered: Mapping[int, Question] = dict(sorted(found.items()))
    return tuple(ordered.values())
