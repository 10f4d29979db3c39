"""The kept answers of the register's API that the repository ships as a sample: of invented companies.

    python -m dev.sample_answers -o FOLDER

They go on where the sample of the monthly file ends: of its companies one was dissolved, one renamed, one moved;
one is as it was; one was founded; and one number is nobody's.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

DAY = date(2026, 10, 5)
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def _record(number: str, name: str, place: tuple[str, str], **more: Any) -> dict[str, Any]:
    """A company's own record, as the API words it. ``place``: street and postcode."""
    return {
        "can_file": True,
        "company_name": name,
        "company_number": number,
        "company_status": "active",
        "etag": "invented",
        "jurisdiction": "england-wales",
        "links": {"self": f"/company/{number}"},
        "registered_office_address": {
            "address_line_1": place[0],
            "country": "England",
            "locality": "London",
            "postal_code": place[1],
        },
        "type": "ltd",
        **more,
    }


def _accounts(day: str, month: str, made_up: str, kind: str) -> dict[str, Any]:
    return {
        "accounting_reference_date": {"day": day, "month": month},
        "last_accounts": {"made_up_to": made_up, "period_end_on": made_up, "type": kind},
    }


RECORDS = [
    _record(
        "02773898",
        "ORCHARD MEADOW SOFTWARE LTD",
        ("22 Cooperage Close", "E15 8RZ"),
        company_status="dissolved",
        date_of_creation="2013-07-17",
        date_of_cessation="2026-10-03",
        sic_codes=["62020", "74990", "69102"],
        accounts=_accounts("21", "01", "2025-01-21", "small"),
    ),
    _record(
        "06442494",
        "JUNIPER SILVER LABS LTD",
        ("171 Ironmonger Close", "N1 1DL"),
        date_of_creation="2006-01-05",
        sic_codes=["63990"],
        accounts=_accounts("04", "08", "2025-08-04", "total-exemption-full"),
        previous_company_names=[
            {
                "name": "JUNIPER SILVER SYSTEMS LTD",
                "effective_from": "2006-01-05",
                "ceased_on": "2026-10-02",
            }
        ],
    ),
    _record(
        "06683849",
        "GARNET PIVOT RESEARCH LIMITED",
        ("7 Chandlery Yard", "E8 3RL"),
        date_of_creation="2006-12-28",
        sic_codes=["62020"],
        accounts=_accounts("17", "05", "2025-05-17", "micro-entity"),
    ),
    _record(
        "08140586",
        "FALCON VECTOR PAYMENTS LIMITED",
        ("160-162 Cooperage Road", "E20 3BS"),
        company_status="liquidation",
        date_of_creation="1999-08-01",
        sic_codes=["63120"],
        accounts=_accounts("27", "11", "2024-11-27", "small"),
    ),
]


def _item(number: str, name: str, place: tuple[str, str], **more: Any) -> dict[str, Any]:
    """An item of a search."""
    return {
        "company_name": name,
        "company_number": number,
        "company_status": "active",
        "company_type": "ltd",
        "kind": "search-results#company",
        "links": {"company_profile": f"/company/{number}"},
        "registered_office_address": {
            "address_line_1": place[0],
            "locality": "London",
            "postal_code": place[1],
        },
        **more,
    }


FOUNDED = [
    _item(
        "99000017",
        "THISTLE HERON ROBOTICS LTD",
        ("4 Tanner Mews", "E2 8AA"),
        date_of_creation="2026-10-02",
        sic_codes=["62012"],
    ),
    _item(
        "99000025",
        "SORREL QUAY INTERIORS LTD",
        ("91 Ropewalk", "SE1 9GF"),
        date_of_creation="2026-10-04",
        sic_codes=["43390"],
    ),
]
DISSOLVED = [
    _item(
        "99000009",
        "BRACKEN TIDE CATERING LTD",
        ("12 Cordwain Street", "N16 8BX"),
        company_status="dissolved",
        date_of_creation="2015-03-11",
        date_of_cessation="2026-10-03",
        sic_codes=["56210"],
    ),
]


def _list(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "etag": "invented",
        "hits": len(items),
        "items": items,
        "kind": "search#advanced-search",
        "top_hit": items[0],
    }


def answers() -> dict[str, bytes]:
    """The answers, byte for byte, by the names of their files."""
    nobody = {"errors": [{"error": "company-profile-not-found", "type": "ch:service"}]}
    found = {
        **{f"company-{one['company_number']}-00001.json": one for one in RECORDS},
        "company-99000033-00001.404": nobody,
        "dissolved-london-2026-10-01-00001.json": _list(DISSOLVED),
        "dissolved-london-2026-10-04-00001.404": {},
        "incorporated-london-2026-10-01-00001.json": _list(FOUNDED[:1]),
        "incorporated-london-2026-10-04-00001.json": _list(FOUNDED[1:]),
    }
    return {name: json.dumps(content, indent=1).encode() if content else b"" for name, content in found.items()}


def write(folder: Path, files: dict[str, bytes] | None = None, day: date = DAY) -> Path:
    """Write answers as a day's zip, the same bytes each time; its path."""
    path = folder / f"companies_house_api-{day.isoformat()}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted((files if files is not None else answers()).items()):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    write(parser.parse_args().output)
