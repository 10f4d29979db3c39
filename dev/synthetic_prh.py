"""A synthetic register in the form of the Finnish open data of companies, as large as wanted.

    python -m dev.synthetic_prh --rows 500000 --date 2026-10-01 --seed 1 -o all_companies.zip
    python -m dev.synthetic_prh --sample

Written is what the publisher gives at ``/all_companies``: a zip with one JSON array of all companies, or that array
alone where the target is called ``.json``. All companies are invented; their business ids have right check digits and
lie in a range that is not given out (9,000,001 and above). The same seed, rows and date give the same bytes: each
company is a function of (seed, its place).

Its ways are those seen in answers and reported of them: names, forms and addresses in no order, descriptions in three
languages in any order; what is empty is not there, null or "", as it happens; forms and registers by numeric codes; of
two forms the ended one may stand first; companies that ceased with the ``status`` of all others, some with ended names
only; ``lastModified`` with a space until 2025, with a T since 2026; industry codes of TOL 2008 until the end of 2025,
of TOL 2025 since then, but for those who had ceased before.
"""

# ruff: noqa: E501, SIM905 - word lists and the cast, easier to read as they stand
from __future__ import annotations

import argparse
import json
import random
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from warehouse.industries import AFTER, BEFORE, industries

ROOT = Path(__file__).parent.parent
SAMPLE_DAY = date(2026, 10, 1)
SAMPLE = ROOT / "sources" / "prh_ytj" / "sample" / f"all_companies-{SAMPLE_DAY}.zip"
SAMPLE_ROWS = 80

REFORM = date(2026, 1, 1)
"""Since when records carry TOL 2025."""

FIRST_ID = 9_000_001

_FIRST = (
    "Aalto Hopea Kaiku Kanerva Kivi Koivu Kuusi Lumi Meri Metsä Myrsky Niitty Puro Pilvi Ranta Revontuli Routa Saari"
    " Salama Sumu Suvi Taivas Talvi Tuuli Utu Vaahto Valo Vesi Virta Ylä"
).split()
_SECOND = (
    "kaari kallio kanto karhu kärki kello kettu kivi koski kulma laine lampi lehti lintu luoto majakka mänty niemi"
    " oksa polku portti raita ruska sakara silta tähti tasku tupa vene verso"
).split()
_TRADES = (
    "Palvelut Ohjelmistot Konsultointi Rakennus Kuljetus Data Energia Terveys Media Tutkimus Kauppa Suunnittelu"
    " Logistiikka Pelit Robotiikka Ravintolat"
).split()

# Municipality by code: its name in Finnish and Swedish, and some of its postcodes.
_PLACES = {
    "091": (
        "HELSINKI",
        "HELSINGFORS",
        ("00540", "00580", "00500", "00550", "00100", "00180", "00510", "00530", "00700"),
    ),
    "049": ("ESPOO", "ESBO", ("02150", "02600", "02100")),
    "092": ("VANTAA", "VANDA", ("01300", "01510")),
    "837": ("TAMPERE", "TAMMERFORS", ("33100", "33720")),
}
_STREETS = (
    "Hermannin rantatie",
    "Sörnäisten rantatie",
    "Työpajankatu",
    "Kalasatamankatu",
    "Capellan puistotie",
    "Tukkutorinkuja",
)

_FORMS = {
    "16": ("Osakeyhtiö", "Aktiebolag", "Limited company"),
    "2": ("Asunto-osakeyhtiö", "Bostadsaktiebolag", "Housing corporation"),
    "10": (
        "Keskinäinen kiinteistöosakeyhtiö",
        "Ömsesidigt fastighetsaktiebolag",
        "Mutual real estate limited company",
    ),
    "13": ("Kommandiittiyhtiö", "Kommanditbolag", "Limited partnership"),
    "14": ("Osuuskunta", "Andelslag", "Cooperative"),
}
_SUFFIXES = {"16": " Oy", "13": " Ky", "14": " Osuuskunta"}

# TOL 2008, and what of it came to be in TOL 2025: the frequent codes of a city, and those that the reform split.
_LINES = (
    ("62010", ("62100", "62200", "62900")),
    ("62010", ("62100",)),
    ("62020", ("62200",)),
    ("63110", ("63100",)),
    ("63120", ("63910", "60390")),
    ("58290", ("58290",)),
    ("61900", ("61900",)),
    ("72190", ("72100",)),
    ("64200", ("64210", "64220")),
    ("70220", ("70200",)),
    ("56101", ("56110",)),
    ("71121", ("71120",)),
    ("47910", ("47910",)),
    ("85599", ("85590",)),
)
_HOUSING_LINE = ("68202", "68200")
_OTHER_TITLES = {
    "3811": "Collection of non-hazardous waste",
    "4791": "Retail sale via mail order houses or via Internet",
    "5610": "Restaurants and mobile food service activities",
    "5611": "Restaurant activities",
    "6820": "Renting and operating of own or leased real estate",
    "7020": "Business and other management consultancy activities",
    "7022": "Business and other management consultancy activities",
    "7112": "Engineering activities and related technical consultancy",
    "8559": "Other education n.e.c.",
}

_REGISTERED = ("Rekisterissä", "Registrerad", "Registered")
_ENTRIES = {
    ("1", "1"): _REGISTERED,
    ("1", "4"): ("Lakannut", "Upphört", "Ceased"),
    ("4", "1"): _REGISTERED,
    ("5", "55"): _REGISTERED,
    ("6", "80"): (
        "Alv-velvollinen liiketoiminnasta",
        "Momsskyldig för affärsverksamhet",
        "VAT-liable for business activity",
    ),
    ("7", "41"): _REGISTERED,
}
_AUTHORITY = {"1": "2"}  # the Trade Register is of PRH, all others of the Tax Administration

Record = dict[str, Any]


def business_id(number: int) -> str | None:
    """A seven-digit number with its check digit; None for the numbers that have none, which nobody gets."""
    weighed = sum(weight * int(digit) for weight, digit in zip((7, 9, 10, 5, 8, 4, 2), str(number), strict=True))
    rest = weighed % 11
    return None if rest == 1 else f"{number}-{(11 - rest) % 11}"


def business_ids() -> Iterator[str]:
    """Ids that no one has, in their order."""
    return (one for number in range(FIRST_ID, 10_000_000) if (one := business_id(number)) is not None)


@dataclass(frozen=True)
class Company:
    """A company as it is; ``record`` writes it as the register does."""

    id: str
    name: str
    form: str
    begun: date
    line: tuple[str, str]  # in TOL 2008 and in TOL 2025
    municipality: str
    postcode: str
    former_name: str = ""
    renamed: date | None = None
    ceased: date | None = None
    situation: str = ""
    situation_since: date | None = None
    is_employer: bool = False
    website: str = ""


def invented(place: int, identifier: str, seed: int, day: date) -> Company:
    """The company at a place, from 0."""
    dice = random.Random(f"{seed} {place}")
    form = dice.choice(("16", "16", "16", "16", "16", "2", "2", "10", "13"))
    begun = date(1990, 1, 1) + timedelta(days=dice.randrange((day - date(1990, 1, 1)).days - 400))
    municipality = dice.choice(("091", "091", "091", "049", "092", "837"))
    name = dice.choice(_FIRST) + dice.choice(_SECOND)
    line = dice.choice(_LINES)
    if form in ("2", "10"):
        name, line = (
            f"{'Asunto Oy' if form == '2' else 'Kiinteistö Oy'} {name}",
            (_HOUSING_LINE[0], _HOUSING_LINE[1:]),
        )
    else:
        name = f"{name} {dice.choice(_TRADES)}{_SUFFIXES[form]}"
    later = begun + timedelta(days=200 + dice.randrange(max(1, (day - begun).days - 300)))
    former, ceased, situation = "", None, ""
    if dice.randrange(4) == 0:
        former = f"{dice.choice(_FIRST)}{dice.choice(_SECOND)} {dice.choice(_TRADES)} Oy"
    elif dice.randrange(12) == 0:
        ceased = later
    elif dice.randrange(60) == 0:
        situation = dice.choice(("KONK", "SELTILA", "SANE"))
    return Company(
        id=identifier,
        name=name,
        form=form,
        begun=begun,
        line=(line[0], dice.choice(line[1])),
        municipality=municipality,
        postcode=dice.choice(_PLACES[municipality][2]),
        former_name=former,
        renamed=later if former else None,
        ceased=ceased,
        situation=situation,
        situation_since=later if situation else None,
        is_employer=dice.randrange(4) == 0,
        website=f"www.{name.split()[0].lower()}.example" if dice.randrange(2) else "",
    )


def record(company: Company, seed: int, day: date) -> Record:
    """A company as the API answers."""
    dice = random.Random(f"{seed} {company.id}")
    begun, ceased = company.begun.isoformat(), company.ceased
    has_reformed = day >= REFORM and (ceased is None or ceased >= REFORM)
    changed = max(one for one in (company.begun, company.renamed, ceased, company.situation_since) if one)
    time = f"{6 + dice.randrange(12):02d}:{dice.randrange(60):02d}:{dice.randrange(60):02d}"
    scheme = AFTER if has_reformed else BEFORE
    code = company.line[1] if has_reformed else company.line[0]
    written: Record = {
        "businessId": {"value": company.id, "registrationDate": begun, "source": "3"},
        "euId": {"value": f"FIFPRO.{company.id}", "source": "1"},
        "names": _names(company, dice),
        "mainBusinessLine": {
            "type": code,
            "descriptions": _described(_titles(scheme, code), dice),
            "typeCodeSet": scheme,
            "registrationDate": max(REFORM.isoformat(), begun) if has_reformed else begun,
            "source": "2",
        },
        "website": {"url": company.website, "registrationDate": begun, "source": "0"} if company.website else None,
        "companyForms": _forms(company, dice),
        "companySituations": [
            {"type": company.situation, "registrationDate": str(company.situation_since), "source": "1"}
        ]
        if company.situation
        else [],
        "registeredEntries": _entries(company, dice),
        "addresses": _addresses(company, dice),
        "tradeRegisterStatus": "4" if ceased else "1",
        "status": "2",
        "registrationDate": begun,
        "endDate": ceased.isoformat() if ceased and dice.randrange(2) else None,
        "lastModified": f"{changed}{'T' if day >= REFORM else ' '}{time}",
    }
    return _emptied(written, dice)


def _emptied(written: Record, dice: random.Random) -> Record:
    """What is empty in one of the three ways: not there, null, or "" where it is a text."""
    way = dice.randrange(3)
    found = {}
    for key, value in written.items():
        if value is not None:
            found[key] = value
        elif way and key == "endDate":
            found[key] = None if way == 1 else ""
        elif way == 1:
            found[key] = None
    return found


@cache
def _titles(scheme: str, code: str) -> tuple[str, str, str]:
    """What a code is called in Finnish, Swedish and English, where the house knows it."""
    found = industries().classifications[scheme].classes.get(code[:4])
    english = found.title if found else _OTHER_TITLES.get(code[:4], f"Industry {code}")
    return (found and found.title_fi) or f"Toimiala {code}", f"Näringsgren {code}", english


def _described(texts: Sequence[str], dice: random.Random) -> list[Record]:
    found = [{"languageCode": str(number), "description": text} for number, text in enumerate(texts, start=1)]
    dice.shuffle(found)
    return found


def _names(company: Company, dice: random.Random) -> list[Record]:
    since = company.renamed or company.begun
    main = {"name": company.name, "type": "1", "registrationDate": since.isoformat(), "version": 1, "source": "1"}
    if company.ceased and dice.randrange(2):
        main["endDate"] = company.ceased.isoformat()
    names = [main]
    if company.former_name:
        end = (since - timedelta(days=1)).isoformat()
        former = {"name": company.former_name, "type": "1", "registrationDate": company.begun.isoformat()}
        names.append({**former, "endDate": end, "version": 2, "source": "1"})
    if dice.randrange(3) == 0:
        name = f"{company.name.split()[0]} {dice.choice(_TRADES)}"
        names.append(
            {"name": name, "type": "3", "registrationDate": since.isoformat(), "version": 1, "source": "1"}
        )
    dice.shuffle(names)
    return names


def _forms(company: Company, dice: random.Random) -> list[Record]:
    current = {
        "type": company.form,
        "descriptions": _described(_FORMS[company.form], dice),
        "version": 1,
        "source": "1",
    }
    if not company.former_name or company.form != "16" or dice.randrange(2):
        return [current]
    end = str(company.renamed)
    former = {
        "type": "13",
        "descriptions": _described(_FORMS["13"], dice),
        "endDate": end,
        "version": 2,
        "source": "1",
    }
    return [former, {**current, "registrationDate": end}]


def _entries(company: Company, dice: random.Random) -> list[Record]:
    begun, end = company.begun.isoformat(), company.ceased.isoformat() if company.ceased else None

    def entry(register: str, kind: str, start: str, until: str | None) -> Record:
        texts = _described(_ENTRIES[register, kind], dice)
        span = {"registrationDate": start, **({"endDate": until} if until else {})}
        authority = _AUTHORITY.get(register, "1")
        return {"type": kind, "descriptions": texts, **span, "register": register, "authority": authority}

    entries = [entry("1", "1", begun, end), entry("4", "1", begun, end)]
    if end:
        entries.append(entry("1", "4", end, None))
    if company.is_employer:
        entries.append(entry("7", "41", begun, end))
    elif dice.randrange(3) == 0:
        entries.append(entry("7", "41", begun, (company.begun + timedelta(days=180)).isoformat()))
    entries += [entry(*one, begun, end) for one in (("5", "55"), ("6", "80")) if dice.randrange(3)]
    dice.shuffle(entries)
    return entries


def _addresses(company: Company, dice: random.Random) -> list[Record]:
    finnish, swedish, _ = _PLACES[company.municipality]
    offices = [
        {"city": city, "languageCode": language, "municipalityCode": company.municipality}
        for language, city in (("1", finnish), ("2", swedish))
    ]
    dice.shuffle(offices)
    empty = dice.choice(("", None))
    address = {
        "type": 1,
        "street": dice.choice(_STREETS),
        "postCode": company.postcode,
        "postOffices": offices,
        "postOfficeBox": empty,
        "buildingNumber": str(1 + dice.randrange(40)),
        "entrance": empty,
        "apartmentNumber": empty,
        "apartmentIdSuffix": empty,
        "co": empty,
        "registrationDate": company.begun.isoformat(),
        "source": "0",
    }
    postal = {**address, "type": 2, "postOfficeBox": str(100 + dice.randrange(900)), "street": ""}
    way = dice.randrange(3)
    return [postal, address] if way == 0 else [address] if way == 1 else [{**address, "type": 2}]


# --- the cast -----------------------------------------------------------------------------------------

# Invented companies that the samples of several sources share, so that what joins them finds something.
CAST = (
    Company("9000001-1", "Kuunsilta Palvelut Oy", "16", date(2015, 3, 2), ("62090", "62900"), "091", "00540", is_employer=True),
    Company(
        "9000018-5", "Laituri Robotiikka Oy", "16", date(2016, 5, 9), ("62010", "62100"), "091", "00580",
        former_name="Satama Robotiikka Oy", renamed=date(2019, 2, 1), is_employer=True,
    ),
    Company(
        "9000035-3", "Tuulikello Energia Oy", "16", date(2014, 1, 20), ("62020", "62200"), "091", "00500",
        ceased=date(2023, 3, 31), situation="KONK", situation_since=date(2022, 6, 15),
    ),
    Company("9000052-1", "Verkkosaari Liikkuminen Oy", "16", date(2017, 8, 28), ("63110", "63100"), "091", "00540"),
    Company("9000069-5", "Siilonmutka Hyvinvointi Oy", "16", date(2018, 2, 12), ("62010", "62900"), "049", "02150"),
    Company(
        "9000086-3", "Majakka Kierrätys Oy", "16", date(2016, 11, 1), ("38110", "38110"), "091", "00550",
        ceased=date(2020, 12, 31),
    ),
    Company("9000103-0", "Hanhisaari Oppiminen Osuuskunta", "14", date(2019, 4, 15), ("85599", "85590"), "091", "00580"),
    Company("9000120-9", "Capella Kodit Asunto Oy", "2", date(2012, 6, 1), _HOUSING_LINE, "091", "00540"),
)  # fmt: skip


# --- files --------------------------------------------------------------------------------------------


def companies(rows: int, day: date, seed: int, *, with_cast: bool = False) -> Iterator[Record]:
    """The records, one by one."""
    cast = CAST if with_cast else ()
    for company in cast[:rows]:
        yield record(company, seed, day)
    taken = {company.id for company in cast}
    ids = (one for one in business_ids() if one not in taken)
    for place in range(max(0, rows - len(cast))):
        yield record(invented(place, next(ids), seed, day), seed, day)


def write_array(target: IO[str], records: Iterator[Record]) -> None:
    """Records as one JSON array."""
    target.write("[")
    for place, one in enumerate(records):
        target.write(("," if place else "") + json.dumps(one, ensure_ascii=False, separators=(",", ":")))
    target.write("]")


def write_file(target: Path, records: Iterator[Record], day: date) -> None:
    """Records as the publisher's zip, or as the array alone where the target is called ``.json``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".json":
        with target.open("w", encoding="utf-8") as file:
            write_array(file, records)
        return
    member = zipfile.ZipInfo(f"data_{day:%Y%m%d}.json", date_time=(1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = 3
    member.external_attr = 0o644 << 16
    with (
        zipfile.ZipFile(target, "w") as archive,
        archive.open(member, "w", force_zip64=True) as opened,
        TextIOWrapper(opened, encoding="utf-8") as text,
    ):
        write_array(text, records)


def main(arguments: list[str] | None = None) -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m dev.synthetic_prh", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--date", type=date.fromisoformat, default=SAMPLE_DAY)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", action="store_true", help="write the sample that ships with the source")
    parser.add_argument("-o", "--output", type=Path, default=Path("all_companies.zip"))
    given = parser.parse_args(arguments)
    target, rows, day = given.output, given.rows, given.date
    if given.sample:
        target, rows, day = SAMPLE, SAMPLE_ROWS, SAMPLE_DAY
    write_file(target, companies(rows, day, given.seed, with_cast=given.sample), day)
    print(f"{target}  {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
