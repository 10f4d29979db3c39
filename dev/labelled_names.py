"""Names with the organisations they mean, made of two registers' real names, to measure how names are reconciled.

    python -m dev.labelled_names --uk BasicCompanyData.csv --fi companies.csv -o tests/warehouse/labelled

Writes ``register.csv`` (names of organisations of a small register) and ``mentions.csv`` (names as lists write
them, with the org-id that each means, or none). The labels are by construction: a mention is made of a
register's name as people write it (``made_by``), or of the name of a real company that is left out of the register
although it looks like one that is in it, so that to match it is a mistake. What such a set cannot show is how
often a name on a real list means a namesake: from two equal names alone nobody can know that.

Input: the UK register's bulk CSV (or a sample of it), and a CSV of Finnish companies with ``businessId``,
``name``, ``postCode``. Only names of companies are taken, whose kind says that they are no persons. The same input
gives the same files.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
from rapidfuzz import fuzz, process

UK_HEAD = (
    "Names of companies, their numbers, dates, postcodes and towns: Contains public sector information from"
    " Companies House, licensed under the Open Government Licence v3.0,"
    " https://download.companieshouse.gov.uk/en_output.html"
)
FI_HEAD = (
    "Names and business ids of Finnish companies: Finnish Patent and Registration Office, open data of the"
    " Business Information System, CC BY 4.0, https://avoindata.prh.fi"
)
REGISTER_COLUMNS = (
    "scheme_code", "local_id", "register_name", "is_current", "from_date", "until_date", "founded_date",
    "ended_date", "postcode", "city", "country_code",
)  # fmt: skip
MENTION_COLUMNS = (
    "mention", "mentioned_name", "postcode", "city", "country_code", "mention_date", "org_id", "made_by", "part",
)  # fmt: skip


@dataclass(frozen=True)
class Company:
    """An organisation with one former name, if it has one."""

    scheme: str
    number: str
    name: str
    postcode: str
    city: str
    country: str
    founded: date | None = None
    former: str = ""
    renamed: date | None = None


@dataclass(frozen=True)
class Mention:
    """A name as a list has it, and what is true of it."""

    name: str
    org_id: str  # empty: no organisation of the register
    made_by: str
    postcode: str = ""
    city: str = ""
    country: str = ""
    day: date | None = None


def read_uk(path: Path) -> list[Company]:
    """Companies of the UK register with an ordinary kind of company."""
    rows = duckdb.execute(
        """SELECT CompanyNumber, CompanyName, coalesce("RegAddress.PostCode", ''),
                  coalesce("RegAddress.PostTown", ''), try_strptime(IncorporationDate, '%d/%m/%Y')::DATE,
                  coalesce("PreviousName_1.CompanyName", ''),
                  try_strptime("PreviousName_1.CONDATE", '%d/%m/%Y')::DATE
           FROM read_csv(?, all_varchar = true, quote = '"')
           WHERE regexp_matches(CompanyName, ' (LTD|LIMITED|PLC|LLP)[.]?$') ORDER BY CompanyNumber""",
        [str(path)],
    ).fetchall()
    return [
        Company("GB-COH", number, name, postcode, town, "GB", founded, former, renamed)
        for number, name, postcode, town, founded, former, renamed in rows
    ]


def read_fi(path: Path) -> list[Company]:
    """Limited companies and cooperatives of Finland; housing companies are left out, and so are sole traders."""
    rows = duckdb.execute(
        """SELECT businessId, name, coalesce(postCode, '') FROM read_csv(?, all_varchar = true)
           WHERE regexp_matches(name, '(^Oy | Oyj?$| Ab$| [Oo]sk$| Osuuskunta$)')
             AND NOT regexp_matches(name, '^(Asunto|As[.]|Kiinteistö|Koy|Bostads)') ORDER BY businessId""",
        [str(path)],
    ).fetchall()
    return [Company("FI-PRO", number, name, postcode, "TAMPERE", "FI") for number, name, postcode in rows]


# --- how people write a name ------------------------------------------------------------------------------

_KIND = re.compile(r"(^Oy |[ ,]+(LTD|LIMITED|PLC|LLP|Oyj?|Oy Ab|Ab|[Oo]sk|Osuuskunta)[. ]*$)", re.IGNORECASE)
Writing = Callable[[str, random.Random], str | None]


def _without_kind(name: str, _: random.Random) -> str | None:
    short = _KIND.sub("", name).strip()
    return short.title() if short.isupper() else short


def _capitals(name: str, _: random.Random) -> str | None:
    return name.title() if name.isupper() else name.upper()


def _kind_otherwise(name: str, draw: random.Random) -> str | None:
    words = {"LIMITED": ["Ltd", "Ltd.", "ltd"], "LTD": ["Limited", "Ltd.", "LIMITED"], "OY": ["OY", "oy", "Oy Ab"]}
    found = re.search(r"[ ](LIMITED|LTD|OY)[.]?$", name, re.IGNORECASE)
    return name[: found.start()] + " " + draw.choice(words[found[1].upper()]) if found else None


def _signs(name: str, draw: random.Random) -> str | None:
    short = _without_kind(name, draw) or ""
    changes = [
        ("&", "and"),
        (" And ", " & "),
        (" and ", " & "),
        (".", ""),
        ("'", "’"),
        ("-", " "),
        ("(", ""),
        (",", ""),
    ]
    there = [(old, new) for old, new in changes if old in short]
    if not there:
        return None
    old, new = draw.choice(there)
    changed = short.replace(old, new)
    return changed.replace(")", "") if old == "(" else changed


def _plain_letters(name: str, draw: random.Random) -> str | None:
    plain = name.translate(str.maketrans("äöåÄÖÅé", "aoaAOAe"))
    return _without_kind(plain, draw) if plain != name else None


def _joined(name: str, draw: random.Random) -> str | None:
    words = (_without_kind(name, draw) or "").split()
    if not 2 <= len(words) <= 3:
        return None
    place = draw.randrange(len(words) - 1)
    return " ".join([*words[:place], words[place] + words[place + 1].lower(), *words[place + 2 :]])


def _article(name: str, draw: random.Random) -> str | None:
    short = _without_kind(name, draw) or ""
    return short[4:] if short.upper().startswith("THE ") else f"The {short}"


def _mistyped(name: str, draw: random.Random) -> str | None:
    words = (_without_kind(name, draw) or "").split()
    long = [n for n, word in enumerate(words) if len(word) >= 7 and word.isalpha()]
    if not long or len(" ".join(words)) < 12:
        return None
    place = draw.choice(long)
    word = words[place]
    at = draw.randrange(2, len(word) - 2)
    changed = draw.choice([word[:at] + word[at + 1 :], word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                           word[:at] + word[at] + word[at:]])  # fmt: skip
    return None if changed == word else " ".join([*words[:place], changed, *words[place + 1 :]])


WRITINGS: Sequence[tuple[str, Writing, int]] = (
    ("without_kind", _without_kind, 120),
    ("capitals", _capitals, 60),
    ("kind_otherwise", _kind_otherwise, 50),
    ("signs", _signs, 50),
    ("plain_letters", _plain_letters, 20),
    ("joined", _joined, 25),
    ("article", _article, 15),
    ("mistyped", _mistyped, 20),
)


# --- mentions -----------------------------------------------------------------------------------------------


def _placed(mention: Mention, company: Company, draw: random.Random) -> Mention:
    """With what lists say besides: sometimes a place, which is not always that of the registered office."""
    dice = draw.random()
    if dice < 0.25:
        mention = replace(mention, postcode=company.postcode, city=company.city.title())
    elif dice < 0.45:
        mention = replace(mention, city=draw.choice([company.city.title(), "London", "Helsinki"]))
    if draw.random() < 0.5:
        mention = replace(mention, country=company.country)
    if mention.day is None and company.founded and not company.former and draw.random() < 0.4:
        day = company.founded + timedelta(days=draw.randrange(30, 2000))
        mention = replace(mention, day=min(day, date(2020, 4, 1)))
    return mention


def true_ones(companies: Sequence[Company], draw: random.Random) -> list[Mention]:
    """Names of companies that are in the register, in other writing or under a former name."""
    found = []
    rest = list(companies)
    draw.shuffle(rest)
    for made_by, write, wanted in WRITINGS:
        made = 0
        while made < wanted and rest:
            company = rest.pop()
            name = write(company.name, draw)
            if name and len(name) > 3:
                mention = Mention(name, f"{company.scheme}-{company.number}", made_by)
                found.append(_placed(mention, company, draw))
                made += 1
            else:
                rest.insert(0, company) if draw.random() < 0.9 else None
    renamed = [one for one in companies if one.former and one.renamed and one.founded]
    draw.shuffle(renamed)
    for number, company in enumerate(renamed[:80]):
        name = _without_kind(company.former, draw) if number % 2 else company.former
        day = company.renamed - timedelta(days=draw.randrange(1, 900)) if company.renamed else None
        if name and day and company.founded and day > company.founded:
            mention = Mention(name, f"{company.scheme}-{company.number}", "renamed", day=day)
            found.append(_placed(mention, company, draw))
    return found


def false_ones(companies: Sequence[Company], left_out: Sequence[Company], draw: random.Random) -> list[Mention]:
    """Names that mean no organisation of the register.

    They are of real companies that are left out of it, those first that look like one that is in it; and names of
    the register where the rest of the record says that another is meant.
    """
    names = [_without_kind(one.name, draw) or "" for one in companies]
    others = [_without_kind(one.name, draw) or "" for one in left_out]
    ratios = process.cdist([o.lower() for o in others], [n.lower() for n in names], scorer=fuzz.token_sort_ratio)
    nearest = sorted(zip((-ratios.max(axis=1)).tolist(), range(len(others)), strict=True))
    taken = {name.lower() for name in names}
    listed = [(ratio, place) for ratio, place in nearest if others[place].lower() not in taken]
    found = []
    for made_by, places in (
        ("look_alike", [place for _, place in listed[:140]]),
        ("unknown", draw.sample([place for _, place in listed[140:]], 100)),
    ):
        for place in places:
            company = left_out[place]
            name = company.name if draw.random() < 0.4 else others[place]
            found.append(_placed(Mention(name, "", made_by), company, draw))
    of_time = [one for one in companies if one.founded and one.founded.year > 1990 and not one.former]
    for company in draw.sample(of_time, 30):
        name = _without_kind(company.name, draw)
        if name and company.founded:
            found.append(Mention(name, "", "older_namesake", day=company.founded - timedelta(days=2000)))
    for company in draw.sample(list(companies), 20):
        name = _without_kind(company.name, draw)
        if name:
            country = "FI" if company.country == "GB" else "GB"
            found.append(Mention(name, "", "namesake_abroad", country=country))
    return found


def merged_ones(companies: Sequence[Company], draw: random.Random) -> list[Mention]:
    """Two companies of the register named as one, as after a merger: neither alone is meant."""
    found = []
    for _ in range(25):
        one, other = draw.sample(list(companies), 2)
        joined = f"{_without_kind(one.name, draw)} {_without_kind(other.name, draw)}"
        found.append(Mention(joined, "", "merged"))
    return found


def _register_rows(companies: Sequence[Company]) -> list[list[object]]:
    rows: list[list[object]] = []
    for one in companies:
        rest = [one.founded or "", "", one.postcode, one.city, one.country]
        rows.append([one.scheme, one.number, one.name, "true", one.renamed or "", "", *rest])
        if one.former:
            rows.append([one.scheme, one.number, one.former, "false", "", one.renamed or "", *rest])
    return rows


def _write(path: Path, head: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {line}\n" for line in head)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def main() -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m dev.labelled_names", description=__doc__)
    parser.add_argument("--uk", type=Path, required=True)
    parser.add_argument("--fi", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    uk, fi = read_uk(given.uk), read_fi(given.fi)
    draw.shuffle(uk)
    draw.shuffle(fi)
    uk.sort(key=lambda one: not one.former)  # the renamed ones are few, so all of them are in
    companies, left_out = [*uk[:1500], *fi[:600]], [*uk[1500:], *fi[600:3000]]
    mentions = [*true_ones(companies, draw), *false_ones(companies, left_out, draw), *merged_ones(companies, draw)]
    # half is kept for the end: nobody looks at it while the weights are chosen
    rows = [
        [number, one.name, one.postcode, one.city, one.country, one.day or "", one.org_id, one.made_by,
         "held_out" if draw.random() < 0.5 else "tuned"]
        for number, one in enumerate(mentions, start=1)
    ]  # fmt: skip
    made = "Made by dev/labelled_names.py, whose docstring says how; labels are by construction."
    _write(given.output / "register.csv", [UK_HEAD, FI_HEAD, made], REGISTER_COLUMNS, _register_rows(companies))
    _write(given.output / "mentions.csv", [UK_HEAD, FI_HEAD, made], MENTION_COLUMNS, rows)


if __name__ == "__main__":
    main()
