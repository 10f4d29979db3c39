"""Writes the sample that ships with the surveys: invented answers to four surveys about invented pilots.

    python -m dev.sample_surveys [FOLDER]

As LimeSurvey exports them: with question codes or with codes and questions, with commas, semicolons or tabs,
with answer codes or in words, in two languages, with responses that were begun and never submitted, and with
what nobody should keep: addresses, an e-mail, a remark with a name. All are anonymous to the tool. How many
answer is chosen so that each case of disclosure control is seen: age groups that are too few beside some that are
not, a survey that did not ask for age, and seven households of whom nothing can be said.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "sources" / "surveys" / "sample"
SENT = "1980-01-01 00:00:00"  # what the tool writes for a response of an anonymous survey
_BY_CODE = """\
  satisfaction: {question: Q1, answers: {1: [A1], 2: [A2], 3: [A3], 4: [A4], 5: [A5]}}
  minutes_saved_a_day: {question: "Q2[SQ001]"}
  would_use_again: {question: Q3, answers: {1: [Y], 0: [N]}}
"""
_BY_AGE = """\
age_group:
  question: AGE
  groups: {from_18_to_29: [A2], from_30_to_44: [A3], from_45_to_64: [A4], from_65: [A5]}
"""
_IN_WORDS = """\
  satisfaction:
    question: TYYT
    answers:
      1: [Erittäin tyytymätön, Very dissatisfied]
      2: [Tyytymätön, Dissatisfied]
      3: [En osaa sanoa, Cannot say]
      4: [Tyytyväinen, Satisfied]
      5: [Erittäin tyytyväinen, Very satisfied]
  would_use_again: {question: UUDELLEEN, answers: {1: [Kyllä, "Yes"], 0: [Ei, "No"]}}
"""
SCALE = {
    "fi": ["Erittäin tyytymätön", "Tyytymätön", "En osaa sanoa", "Tyytyväinen", "Erittäin tyytyväinen"],
    "en": ["Very dissatisfied", "Dissatisfied", "Cannot say", "Satisfied", "Very satisfied"],
}
YES_NO = {"fi": ("Kyllä", "Ei"), "en": ("Yes", "No")}
_HEADINGS = {
    "id": "id. Response ID",
    "submitdate": "submitdate. Date submitted",
    "startlanguage": "startlanguage. Start language",
    "TYYT": "TYYT. Kuinka tyytyväinen olit?",
    "UUDELLEEN": "UUDELLEEN. Käyttäisitkö uudelleen?",
}


@dataclass(frozen=True)
class Survey:
    """A survey by the codes of its answers.

    Args:
        name: of its two files, and its id.
        ages: by the tool's code of the age group, how many submitted their response; an empty code did not say.
        minutes: what one of them may have answered, each as likely.
        satisfied: of five equally likely answers.
        again: in per cent.
    """

    name: str
    title: str
    pilot_id: str
    ages: Mapping[str, int]
    minutes: Sequence[str]
    satisfied: Sequence[int]
    again: int
    delimiter: str = ","
    asks_age: bool = True


SURVEYS = (
    Survey(
        "kuunsilta-2018",
        "Kuunsilta, medicines brought to the door with a weekly call (invented)",
        "example-1-kuunsilta",
        {"A2": 7, "A3": 24, "A4": 36, "A5": 47, "": 6},
        ["", "5", "10", "15,5", "20", "45"],
        [3, 4, 4, 5, 5],
        84,
    ),
    Survey(
        "satama-robotiikka-2018",
        "Satama-robotiikka, a robot that brings parcels; seven households (invented)",
        "example-1-satama-robotiikka",
        {"": 7},
        ["10", "15", "20", "30"],
        [2, 4, 4, 5, 5],
        70,
        asks_age=False,
    ),
    Survey(
        "siilonmutka-2019",
        "Siilonmutka, exercises at home over a screen (invented)",
        "example-2-siilonmutka",
        {"A4": 14, "A5": 28},
        ["-25", "-10", "-5", "0", "5", "12.5"],
        [1, 2, 3, 4, 4],
        52,
        delimiter="\t",
    ),
)
# Asked in words and in two languages, and for neither minutes nor age.
WORDS = Survey(
    "verkkosaari-2019",
    "Verkkosaari, shared rides to the metro (invented)",
    "example-2-verkkosaari",
    {"": 61},
    (),
    [2, 3, 4, 4, 5],
    66,
    delimiter=";",
    asks_age=False,
)


def write_samples(folder: Path, seed: int = 2018) -> None:
    """Write four exports with their codebooks into a folder."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for survey in SURVEYS:
        _write_codebook(folder, survey, _BY_CODE + (_BY_AGE if survey.asks_age else ""))
        own = ["id", "submitdate", "lastpage", "startlanguage", "ipaddr"]
        header = [*own, "Q1", "Q2[SQ001]", "Q3", *(["AGE"] if survey.asks_age else []), "EMAIL", "COMMENT"]
        _write_export(folder, survey, header, _by_code(survey, chance), "utf-8-sig")
    _write_codebook(folder, WORDS, _IN_WORDS)
    _write_export(folder, WORDS, list(_HEADINGS.values()), _in_words(WORDS, chance), "utf-8")


def _write_codebook(folder: Path, survey: Survey, measures: str) -> None:
    text = (
        f"# Codebook of {survey.name}.csv. The survey and all answers are invented.\n"
        f"survey_id: {survey.name}\ntitle: {survey.title}\npilot_id: {survey.pilot_id}\nmeasures:\n{measures}"
    )
    (folder / f"{survey.name}.codebook.yaml").write_text(text, encoding="utf-8")


def _write_export(
    folder: Path, survey: Survey, header: Sequence[str], rows: Sequence[Sequence[object]], encoding: str
) -> None:
    with (folder / f"{survey.name}.csv").open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=survey.delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([header, *rows])


def _by_code(survey: Survey, chance: random.Random) -> list[list[object]]:
    """A row a response, every ninth of them begun and not submitted."""
    ages = [code for code, count in survey.ages.items() for _ in range(count)]
    chance.shuffle(ages)
    rows: list[list[object]] = []
    while ages:
        number = len(rows) + 1
        is_sent = number % 9 != 0
        age = ages.pop() if is_sent else ""
        answers = [f"A{chance.choice(survey.satisfied)}", chance.choice(survey.minutes)]
        answers += [_again(survey, chance, "Y", "N") if is_sent else "", *([age] if survey.asks_age else [])]
        email = "maija.malli@example.org" if number == 6 else ""
        remark = "Maija toi maitoa, kiitos!" if number == 4 else ""
        begun = [SENT if is_sent else "", 3 if is_sent else 1, chance.choice(["fi", "en"]), "192.0.2.7"]
        rows.append([number, *begun, *answers, email, remark])
    return rows


def _in_words(survey: Survey, chance: random.Random) -> list[list[object]]:
    rows: list[list[object]] = []
    for number in range(1, sum(survey.ages.values()) + 1):
        language = chance.choice(["fi", "fi", "en"])
        satisfied = SCALE[language][chance.choice(survey.satisfied) - 1]
        rows.append([number, SENT, language, satisfied, _again(survey, chance, *YES_NO[language])])
    return rows


def _again(survey: Survey, chance: random.Random, yes: str, no: str) -> str:
    return yes if chance.randrange(100) < survey.again else no


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
