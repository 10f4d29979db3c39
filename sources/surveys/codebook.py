"""The codebook of a survey: which pilot it asks about, and which question measures what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from pydantic import Field, model_validator

from sources import SourceError
from warehouse.declared import DeclarationError, Declared, parse, read_yaml
from warehouse.messages import message
from warehouse.reference import code_lists

SUFFIX = ".codebook.yaml"
MAX_BYTES = 1 << 20
_NUMBER = re.compile(r"-?[0-9]{1,9}([.,][0-9]{1,2})?")
_ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class Question(Declared):
    """A question of the survey, by the code that heads its column in the export: ``Q1``, ``Q2[SQ001]``.

    ``answers`` gives the number that an answer stands for, with all the texts that the tool may write for it: its
    code, and the answer's words in each language. Without it the answer is itself a number.
    """

    question: str
    answers: Mapping[Decimal, tuple[str, ...]] | None = None

    @model_validator(mode="after")
    def _no_text_means_two(self) -> Question:
        texts = [text for listed in (self.answers or {}).values() for text in listed]
        if doubled := sorted({text for text in texts if texts.count(text) > 1}):
            raise ValueError(f"{doubled[0]!r} stands for two numbers")
        return self

    def number_of(self, text: str) -> Decimal | None:
        """The number that an answer stands for, with two decimals; None if it is none, or has no meaning here."""
        if self.answers is None:
            return Decimal(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None
        return next((number for number, texts in self.answers.items() if text in texts), None)


class Groups(Declared):
    """The question that tells a respondent's group, and the texts of each group."""

    question: str
    groups: Mapping[str, tuple[str, ...]]


class Codebook(Declared):
    """What stands beside an export, as ``<name of the export>.codebook.yaml``."""

    survey_id: str = Field(pattern=_ID)
    title: str
    pilot_id: str = Field(pattern=_ID)
    measures: Mapping[str, Question] = Field(min_length=1)  # by code of the list evaluation_measures
    age_group: Groups | None = None  # by code of the list age_groups

    @model_validator(mode="after")
    def _codes_are_on_their_lists(self) -> Codebook:
        for name, codes in (("evaluation_measures", self.measures), ("age_groups", self.age_group_codes)):
            listed = code_lists()[name]
            for code in codes:
                if code not in listed.codes:
                    raise ValueError(
                        f"{code!r} is no code of the list {name}, which has {', '.join(listed.codes)}"
                    )
        return self

    @property
    def age_group_codes(self) -> Sequence[str]:
        """The groups it tells apart."""
        return tuple(self.age_group.groups) if self.age_group else ()

    @property
    def questions(self) -> Sequence[str]:
        """The questions it uses, by their codes."""
        asked = [question.question for question in self.measures.values()]
        return [*asked, self.age_group.question] if self.age_group else asked


def read_codebook(path: Path) -> Codebook:
    """The codebook in a file.

    Raises:
        SourceError: it cannot be used; the message says where and why.
    """
    if path.stat().st_size > MAX_BYTES:
        raise SourceError(message("{file} is too large for a codebook. Is it the right file?", file=path.name))
    try:
        return parse(Codebook, read_yaml(path), path.name, path)
    except (DeclarationError, UnicodeDecodeError) as error:
        said = str(error).replace(str(path), path.name)
        raise SourceError(message("The codebook cannot be used: {error}.", error=said)) from error
