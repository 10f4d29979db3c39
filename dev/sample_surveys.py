"""Writes the sample that ships with the surveys: invented answers to two surveys about invented pilots.

    python -m dev.sample_surveys [FOLDER]

As LimeSurvey exports them: one with question codes, commas and answer codes, in two languages and with responses
that were begun and never submitted; one with codes and questions, semicolons and answers in words. Both are
anonymous.
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "sources" / "surveys" / "sample"
CODES = """\
# Codebook of kuunsilta-2018.csv. The survey and all answers are invented.
survey_id: kuunsilta-2018
title: Kuunsilta, a service that finds a helping neighbour (invented)
pilot_id: example-1-kuunsilta
measures:
  satisfaction: {question: Q1, answers: {1: [A1], 2: [A2], 3: [A3], 4: [A4], 5: [A5]}}
  minutes_saved_a_day: {question: "Q2[SQ001]"}
  would_use_again: {question: Q3, answers: {1: [Y], 0: [N]}}
age_group:
  question: AGE
  groups: {from_18_to_29: [A2], from_30_to_44: [A3], from_45_to_64: [A4], from_65: [A5]}
"""
WORDS = """\
# Codebook of verkkosaari-2019.csv. The survey and all answers are invented.
survey_id: verkkosaari-2019
title: Verkkosaari, shared rides (invented)
pilot_id: example-2-verkkosaari
measures:
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
IN_WORDS = {
    "fi": ["Erittäin tyytymätön", "Tyytymätön", "En osaa sanoa", "Tyytyväinen", "Erittäin tyytyväinen"],
    "en": ["Very dissatisfied", "Dissatisfied", "Cannot say", "Satisfied", "Very satisfied"],
}


def write_samples(folder: Path, seed: int = 2018) -> None:
    """Write two exports with their codebooks into a folder."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kuunsilta-2018.codebook.yaml").write_text(CODES, encoding="utf-8")
    with (folder / "kuunsilta-2018.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        own = ["id", "submitdate", "lastpage", "startlanguage", "ipaddr"]
        writer.writerow([*own, "Q1", "Q2[SQ001]", "Q3", "AGE", "COMMENT"])
        for number in range(1, 41):
            is_sent = number % 9 != 0
            when = f"2018-0{chance.randint(5, 6)}-{chance.randint(10, 28)} 1{chance.randint(0, 9)}:30:00"
            first = [
                number,
                when if is_sent else "",
                3 if is_sent else 1,
                chance.choice(["fi", "en"]),
                "192.0.2.7",
            ]
            answers = [f"A{chance.choice([3, 4, 4, 5, 5])}", chance.choice(["", "10", "15,5", "20", "45"])]
            answers += [chance.choice("YYYN"), f"A{chance.randint(2, 5)}"] if is_sent else ["", ""]
            writer.writerow([*first, *answers, "Maija toi maitoa, kiitos!" if number == 4 else ""])
    (folder / "verkkosaari-2019.codebook.yaml").write_text(WORDS, encoding="utf-8")
    with (folder / "verkkosaari-2019.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL)
        writer.writerow(
            [
                "id. Response ID",
                "submitdate. Date submitted",
                "startlanguage. Start language",
                "TYYT. Kuinka tyytyväinen olit?",
                "UUDELLEEN. Käyttäisitkö uudelleen?",
            ]
        )
        for number in range(1, 23):
            language = chance.choice(["fi", "fi", "en"])
            again = chance.choice([True, True, False])
            words = ("Kyllä" if again else "Ei") if language == "fi" else ("Yes" if again else "No")
            writer.writerow(
                [number, "1980-01-01 00:00:00", language, chance.choice(IN_WORDS[language][1:]), words]
            )


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
