"""Writes the shipped samples of structural funds and of 360Giving packages.

Real are the first projects of the Finnish list, as the list of October 2016 has them (A70009 and others; source:
https://www.eura2014.fi/rrtiepa/). Everything else is invented: projects A79001 and above, all English projects,
the funder "Example Innovation Fund (invented)" and its grants. The companies are those of the other samples.

The Finnish list is written as it is exported, with its damage: commas that nobody quoted, empty cells and
semicolons at the ends of lines, and one line that nobody can take apart.
"""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
DAY = "2026-10-17"

_UUSIMAA = "Uudenmaan liitto"
_ELY = "Hämeen elinkeino-, liikenne- ja ympäristökeskus"
FINNISH_HEADER = (
    "Koodi,Rahasto,Hankkeen nimi,Tl,Viranomainen,Tila,Aloituspvm,Päättymispvm,Toteuttajan nimi,"
    "Myönnetty EU- ja valtion rahoitus,Toteutunut EU- ja valtion rahoitus,"
    "Suunniteltu julkinen rahoitus yhteensä,Toteutunut julkinen rahoitus yhteensä;"
)
FINNISH = (
    # real, as listed in October 2016
    ("A70009", "EAKR", "6Aika-strategiatoimisto", "2", _UUSIMAA, "16.5.2014", "30.4.2017",
     "Forum Virium Helsinki Oy", "1336082", "608038.63", "2456151", "907521.6"),
    ("A70965", "EAKR", "6Aika: Ilmastokatu", "2", _UUSIMAA, "1.9.2015", "30.6.2017", "Helsingin kaupunki",
     "415351", "49342.02", "824620", "69906.63"),
    ("A71005", "EAKR", "6AIKA: Avoin osallisuus ja asiakkuus -kärkihanke", "2", _UUSIMAA, "1.4.2015", "31.3.2018",
     "Turun kaupunki", "3531405", "577201.02", "8981791", "861494.77"),
    ("S20118", "ESR", "Ohjaamo Helsinki", "3", "Keski-Suomen elinkeino-, liikenne- ja ympäristökeskus", "1.3.2015",
     "28.2.2018", "Helsingin kaupunki", "854512", "343187.22", "4172461", "457582.92"),
    # invented
    ("A79001", "EAKR", "Example piloting project (invented)", "2", _UUSIMAA, "1.9.2017", "31.12.2019",
     "Forum Virium Helsinki Oy", "140000", "91250.5", "200000", "130357.86"),
    ("A79002", "EAKR", "Robotteja, kaappeja ja laitureita (invented)", "1", _ELY, "1.2.2019", "31.1.2020",
     "Laituri Robotiikka Oy", "24000", "24000", "48000", "48000"),
    ("A79003", "EAKR", "Tuulikellojen sarjatuotanto (invented)", "1", _ELY, "1.3.2018", "30.11.2018",
     "Tuulikello Energia Oy", "31000", "0", "62000", "0"),
    ("A79004", "EAKR", "Verstaan laajennus | toinen vaihe (invented)", "1", _ELY, "1.1.2018", "30.6.2018",
     "Example Tmi", "5000", "5000", "10000", "10000"),
    ("S29001", "ESR", "Oppimista, kohtaamista ja työtä (invented)", "4", _ELY, "1.8.2018", "31.7.2020",
     "Hanhisaari Oppiminen Osuuskunta", "88000", "88000", "110000", "110000"),
)  # fmt: skip

ENGLISH_HEADER = (
    "Recipient of funds,Name of Project,Type of fund,Summary of project (max 100 words),Start date,End date,"
    "ERDF/ESF investment £m,Total project costs £m,Percent of project funded by EU,Location (postcode),"
    "Local Enterprise Partnership area,Country,Type and focus of support (*Category of intervention)*"
)
ENGLISH = (
    ("Loom Vellum Training Limited", "Skills for the Park (invented)", "ESF", "Courses, and places to learn",
     "01. Nov 15", "31. Dez 18", "240000", "480000", "50%", "E20 3BS", " London "),
    ("Hazel Osprey Fabrications Limited", "Makers\x92 Yard (invented)", "ERDF", "Machines for makers",
     "01. Mrz 16", "30. Jun 19", "151140", "300000", '"50,38%"', "E83RL", "London"),
    ("Example Enterprise Centre (invented)", "Start here (invented)", "ERDF", "Advice to new firms", "Feb 16",
     "Okt 18", "62500,5", "125001", "50%", "SE1 7TP", "London"),
    ("Example College (invented)", "Second chances (invented)", "ESF (inc YEI)", "Training", "01. Mai 16",
     "31. Jul 18", "900000", "1500000", "60%", "PR1 2HE", "Lancashire"),
)  # fmt: skip

FUNDER = {"id": "360G-example", "name": "Example Innovation Fund (invented)"}


def _grant(
    number: int, title: str, amount: object, day: str, recipient: dict[str, str], **more: object
) -> dict[str, object]:
    return {
        "id": f"360G-example-{number:03}",
        "title": title,
        "description": f"{title}. Invented for the sample; no such grant was made.",
        "currency": "GBP",
        "amountAwarded": amount,
        "awardDate": day,
        "recipientOrganization": [recipient],
        "fundingOrganization": [FUNDER],
        "grantProgramme": [{"code": "EX", "title": "Example programme (invented)"}],
        **more,
    }


def _company(number: str, name: str) -> dict[str, str]:
    return {"id": f"GB-COH-{number}", "name": name}


PACKAGE = {
    "version": "1.4",
    "title": "Grants of the Example Innovation Fund (invented)",
    "publisher": {"identifier": "360G-example", "name": FUNDER["name"]},
    "license": "https://creativecommons.org/licenses/by/4.0/",
    "grants": [
        _grant(1, "Learning by making", 12000, "2017-03-14", _company("11664369", "Loom Vellum Training Limited")),
        _grant(2, "Looms for a yard", "4,500.00", "17/03/2014",
               _company("09830071", "Cedar Fenland Fabrications Limited")),
        _grant(3, "Door-step pharmacy", 8000, "2018-01-25T00:00:00+02:00",
               {"id": "FI-PRO-9000001-1", "name": "Kuunsilta Palvelut Oy"}, currency="EUR",
               plannedDates=[{"startDate": "2018-02-01", "endDate": "2018-06-30"}]),
        _grant(4, "A fund for tenants of the Park", 20000, "2019-05-02",
               _company("06683849", "Garnet Pivot Research Limited"), regrantType="FRG010"),
        _grant(5, "Prototype out of the fund for tenants", 5000, "08/2019",
               _company("06442494", "Juniper Silver Systems Ltd"), relatedActivity=["360G-example-004"]),
        {
            "id": "360G-example-006",
            "title": "Bursary",
            "description": "Invented for the sample; no such grant was made.",
            "currency": "GBP",
            "amountAwarded": 500,
            "awardDate": "2019-06-01",
            "recipientIndividual": {"id": "360G-example-ind-1", "name": "Recipient of the bursary"},
            "fundingOrganization": [FUNDER],
        },
    ],
}  # fmt: skip


def finnish_list() -> str:
    """The Finnish list as it is exported: every other line with two empty cells more, all with a semicolon."""
    lines = [FINNISH_HEADER]
    for number, row in enumerate(FINNISH):
        cells = [*row[:5], "Toiminnassa", *row[5:]]
        lines.append(",".join(cells) + (",,;" if number % 2 else ";"))
    return "\n".join(lines) + "\n"


def english_list() -> str:
    """The English list, with quotes where there are commas."""
    lines = [ENGLISH_HEADER]
    for row in ENGLISH:
        cells = [f'"{cell}"' if "," in cell and not cell.startswith('"') else cell for cell in row]
        lines.append(",".join([*cells, "England", ""]))
    return "\n".join(lines) + "\n"


def write(root: Path = ROOT) -> None:
    """Write the samples."""
    funds, grants = (
        root / "sources" / "structural_funds" / "sample",
        root / "sources" / "threesixty_giving" / "sample",
    )
    for folder in (funds, grants):
        folder.mkdir(parents=True, exist_ok=True)
    (funds / f"projektilista_2014-2020_{DAY}.csv").write_text(finnish_list(), encoding="utf-8-sig", newline="")
    (funds / f"ESIF_England_2014-2020_beneficiaries_{DAY}.csv").write_text(
        english_list(), encoding="utf-8", newline=""
    )
    text = json.dumps(PACKAGE, ensure_ascii=False, indent=1) + "\n"
    (grants / f"example-innovation-fund_{DAY}.json").write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    write()
