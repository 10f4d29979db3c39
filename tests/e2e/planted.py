"""Sources with canaries wherever a person may stand in them, next to what makes the house speak of a row."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from dev.sample_surveys import write_samples
from dev.synthetic_register import broken, write_register
from tests import workbook_factory as factory
from tests.canaries import Cage

SAMPLES = factory.ROOT / "sources"
_CUSTOM = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">
<Application>Microsoft Excel</Application><Manager>{manager}</Manager><Company>{company}</Company></Properties>"""


def plant(folder: Path, cage: Cage) -> dict[str, Path]:
    """Write the sources; by name, where each is to be pulled from."""
    folder.mkdir(parents=True)
    return {name: write(folder / name, cage) for name, write in _SOURCES.items()}


# --- workbooks --------------------------------------------------------------------------------------------


def _pilots(folder: Path, cage: Cage) -> Path:
    keeper = "agile_pilots"
    rows = [factory.pilot(number) for number in range(1, 41)]
    rows += [{**factory.PILOT, **changes, "Pilot ID": name} for name, (changes, _) in factory.ERRORS.items()]
    for row in rows:  # a row that is told of has them too
        place = f"row {row['Pilot ID']}"
        row["Contact person"] = cage.name(keeper, f"{place}, contact")
        row["E-mail"] = cage.email(keeper, f"{place}, contact's e-mail")
        row["Desk memo"] = cage.words(keeper, f"{place}, a column that is not declared")
        row["Home of the tester"] = cage.street(keeper, f"{place}, another one")
    rows[0]["Description"] = f"Ask {cage.email(keeper, 'description')}."
    rows[1]["Description"] = f"Ring {cage.phone(keeper, 'description')}, after six."
    rows[2]["Notes"] = f"Ring {cage.british_phone(keeper, 'note')}."
    rows[3]["Starts"] = f"when {cage.email(keeper, 'a date that is none')} answers"
    rows[4]["Grant (EUR)"] = f"ask {cage.phone(keeper, 'an amount that is none')}"
    rows[5]["Theme"] = cage.email(keeper, "a code that is none")
    rows[6]["Pilot ID"] = cage.email(keeper, "a key").replace("@", "(at)")
    path = folder / f"pilots of {cage.email(keeper, 'name of the file')}.xlsx"
    folder.mkdir()
    sheets = {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])}
    factory.save(path, sheets)
    _hide_in_workbook(path, keeper, cage)
    return folder  # a place that holds personal data in its name is no origin


def _club(folder: Path, cage: Cage) -> Path:
    """A sheet about people: a cell that is not what its column wants is told of without it."""
    keeper = "innovators_club"
    folder.mkdir()
    meeting = {
        "Meeting ID": "club-1",
        "Meeting": "First",
        "Kind": "meeting",
        "Date": "2026-02-12",
        "Date precision": "day",
        "Topic": "Light",
        "Place": "School",
        "Who locks the door": cage.name(keeper, "a column that is not declared"),
    }
    told = {
        "Attendance": f"12, {cage.name(keeper, 'a count of people that is none')} among them",
        "First-timers": f"only {cage.words(keeper, 'a count of people that is none')}",
        "Stakeholders": cage.name(keeper, "a kind of people that is none"),
    }
    good = {"Meeting ID": "club-1", "Stakeholders": "residents", "Attendance": 31, "First-timers": 12}
    attendance = [
        good,
        *({**good, "Stakeholders": kind, "Attendance": 40} for kind in ("companies", "city", "research")),
        *({**good, "Meeting ID": "club-2", column: text} for column, text in told.items()),
        {**good, "Meeting ID": cage.name(keeper, "a key of a row about people"), "Stakeholders": "media"},
    ]
    meetings = [meeting, {**meeting, "Meeting ID": "club-2", "Date": "2026-05-12"}]
    path = factory.save(
        folder / "club.xlsx", {"Meetings": factory.table(meetings), "Attendance": factory.table(attendance)}
    )
    _hide_in_workbook(path, keeper, cage)
    return path


def _hide_in_workbook(path: Path, keeper: str, cage: Cage) -> None:
    """Whatever a workbook holds beside the cells that are read."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    properties = book.properties
    for name in ("creator", "lastModifiedBy", "title", "subject", "keywords", "category", "description"):
        setattr(properties, name, cage.name(keeper, f"the workbook's {name}"))
    sheet["B3"].comment = Comment(
        cage.words(keeper, "comment of a cell"), cage.name(keeper, "who wrote the comment of a cell")
    )
    sheet["C4"].hyperlink = f"mailto:{cage.email(keeper, 'address of a cell')}"
    sheet["C4"].hyperlink.tooltip = cage.words(keeper, "hint of an address of a cell")
    _hide_beside(book, sheet, keeper, cage)
    header = sheet.oddHeader
    header.left.text, header.center.text = cage.name(keeper, "header"), cage.street(keeper, "header")
    sheet.oddFooter.right.text = cage.phone(keeper, "footer")
    choice = DataValidation("list", formula1=f'"{cage.name(keeper, "list of a cell")},other"', allow_blank=True)
    choice.promptTitle, choice.prompt = "Who?", cage.words(keeper, "prompt of a cell")
    choice.errorTitle, choice.error = "No", cage.words(keeper, "error of a cell")
    choice.add("C5")
    sheet.add_data_validation(choice)
    word = cage.email(keeper, "a defined name").partition("@")[0]
    book.defined_names[word] = DefinedName(word, attr_text="Pilots!$A$1", comment=cage.words(keeper, "of a name"))
    book.save(path)
    parts = {
        "docProps/app.xml": _CUSTOM.format(
            manager=cage.name(keeper, "the workbook's manager"),
            company=cage.street(keeper, "the workbook's company"),
        ).encode()
    }
    whole = path.with_name("whole.xlsx")
    path.rename(whole)
    factory.rewritten(whole, path, parts)
    whole.unlink()


def _hide_beside(book: openpyxl.Workbook, sheet: Worksheet, keeper: str, cage: Cage) -> None:
    """A hidden column, a hidden row, a hidden sheet, sheets that are not read."""
    column = sheet.max_column + 2
    for row in range(1, sheet.max_row + 1):
        sheet.cell(row, column, "Aside" if row == 1 else cage.words(keeper, "hidden column"))
    sheet.column_dimensions[sheet.cell(1, column).column_letter].hidden = True
    row = sheet.max_row + 1
    sheet.cell(row, column, cage.street(keeper, "hidden row"))
    sheet.row_dimensions[row].hidden = True
    for title, state in (
        ("Old", "hidden"),
        ("Older", "veryHidden"),
        (cage.email(keeper, "name of a sheet"), "visible"),
    ):
        other = book.create_sheet(title)
        other.sheet_state = state
        other.append(["Name", "Phone", "Lives at", "Said"])
        for number in range(3):
            place = f"row {number} of a {state} sheet"
            other.append(
                [
                    cage.name(keeper, place),
                    cage.british_phone(keeper, place),
                    cage.street(keeper, place),
                    cage.words(keeper, place),
                ]
            )


def _no_workbook(folder: Path, cage: Cage) -> Path:
    folder.mkdir()
    path = folder / "members.xlsx"
    path.write_text("\n".join(cage.words("plexal", "a file that cannot be read") for _ in range(5)))
    return path


def _no_table(folder: Path, cage: Cage) -> Path:
    """A workbook in which no sheet is one of the source's."""
    rows = [["Name", "Phone"], *([cage.name("tech_nation", "a wrong workbook"), "1"] for _ in range(4))]
    folder.mkdir()
    return factory.save(folder / "wrong.xlsx", {"Members": rows})


def _csv_of_tenants(folder: Path, cage: Cage) -> Path:
    """A CSV of a workbook's table, with records that are longer and shorter than its header."""
    keeper = "here_east"
    folder.mkdir()
    path = folder / "Tenants.csv"
    name, words = cage.name(keeper, "a record that is too long"), cage.words(keeper, "the rest of it")
    path.write_text(
        "Tenant ID,Tenant,Whose desk\r\n"
        f"he-1,One Limited,{cage.name(keeper, 'a column that is not declared')}\r\n"
        f"he-2,Two Limited,{name},{words}\r\nhe-3\r\n"
    )
    return path


# --- surveys ----------------------------------------------------------------------------------------------


def _surveys(folder: Path, cage: Cage) -> Path:
    keeper = "surveys"
    write_samples(folder)
    for path in sorted(folder.glob("*.csv")):
        _answer(path, cage)
    for path in sorted(folder.glob("*.codebook.yaml")):
        with path.open("a", encoding="utf-8") as file:
            file.write(f"# Ask {cage.name(keeper, 'comment of a codebook')}, {cage.phone(keeper, 'comment')}\n")
    stem = f"answers for {cage.email(keeper, 'name of a file')}"
    good, book = folder / "siilonmutka-2019.csv", folder / "siilonmutka-2019.codebook.yaml"
    (folder / f"{stem}.csv").write_bytes(good.read_bytes())
    (folder / f"{stem}.codebook.yaml").write_text(book.read_text().replace("siilonmutka-2019", "siilonmutka-2020"))
    answer = cage.words(keeper, "an answer of a survey that cannot be read")
    for name, header, codebook in (
        ("no-book", "id,submitdate,Q1", None),
        ("no-id", f"Name,{cage.email(keeper, 'header')},submitdate", book.read_text()),
        (
            "twice",
            f"id,submitdate,{cage.email(keeper, 'header')},{cage.email(keeper, 'header')}",
            book.read_text(),
        ),
        (
            "bad-book",
            "id,submitdate,Q1",
            f"survey_id: [x\n# {cage.name(keeper, 'a codebook that is no YAML')}: }}\n",
        ),
        ("odd-book", "id,submitdate,Q1", f"survey_id: x\nowner: {cage.name(keeper, 'a key that is none')}\n"),
        ("dates", "id,submitdate,Q1", book.read_text().replace("siilonmutka", "dates")),
    ):
        words = [cage.response_id(keeper, "response id"), cage.name(keeper, "instead of a date"), answer]
        (folder / f"{name}.csv").write_text(f"{header}\n{','.join(words)}\n")
        if codebook is not None:
            (folder / f"{name}.codebook.yaml").write_text(codebook)
    return folder


def _answer(path: Path, cage: Cage) -> None:
    """What people wrote into one export, and what the tool wrote of them."""
    keeper, place = "surveys", path.stem
    text = path.read_text("utf-8-sig")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    header, *rows = list(csv.reader(text.splitlines(), delimiter=delimiter))
    header += ["token", "firstname", "phone", "lives", "says"]
    for number, row in enumerate(rows):
        makers = [cage.name, cage.phone, cage.street, cage.words] if number < 4 else []
        row += ["tok3n", *(make(keeper, f"answer of {place}") for make in makers), *[""] * (4 - len(makers))]
    rows[0][0] = cage.response_id(keeper, f"response id of {place}")
    question = next(n for n, text in enumerate(header) if text.startswith(("Q1", "TYYT")))
    rows[1][question] = cage.words(keeper, f"open answer of {place}")
    rows[2][question + 1] = cage.name(keeper, f"answer of {place} that is no number")
    if "AGE" in header:
        rows[3][header.index("AGE")] = cage.name(keeper, f"age in {place}")
    if "ipaddr" in header:
        rows[3][header.index("ipaddr")] = cage.phone(keeper, f"address of {place}")
    rows.append([*rows[5], cage.words(keeper, f"row of {place} that is too long")])
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([header, *rows])


# --- registers --------------------------------------------------------------------------------------------


def _companies_house(folder: Path, cage: Cage) -> Path:
    """CareOf of every fiftieth company; some of their rows broken, by their neighbours' quotes too."""
    folder.mkdir()
    (path,) = write_register(folder, rows=600, day=date(2026, 11, 1), seed=3)
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    names = [name.strip() for name in header]
    for number in range(0, len(rows), 50):
        for column in ("RegAddress.CareOf", "RegAddress.POBox", "RegAddress.AddressLine1"):
            make = cage.street if column.endswith("1") else cage.name
            rows[number][names.index(column)] = make("companies_house", column)
    rows[50][names.index("IncorporationDate")] = "31/02/2016"
    rows[100][names.index("CompanyNumber")] = "1"
    rows[150].append(cage.name("companies_house", "a row that is too long"))
    text = ",".join(header) + "\r\n"
    text += "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows)
    content, _ = broken(text.encode(), 0.05, seed=5)
    path.write_bytes(content)
    return path


def _prh(folder: Path, cage: Cage) -> Path:
    with zipfile.ZipFile(next((SAMPLES / "prh_ytj" / "sample").glob("*.zip"))) as archive:
        (name,) = archive.namelist()
        companies = json.loads(archive.read(name))
    for number, company in enumerate(companies[:20]):
        for address in company.get("addresses", []):
            address["co"] = cage.name("prh_ytj", "co")
            address["apartmentNumber"] = cage.street("prh_ytj", "apartment")
            address["freeAddressLine"] = cage.street("prh_ytj", "free address")
        company["contact"] = {"email": cage.email("prh_ytj", "a key that is not read")}
        if number == 3:
            company["businessId"]["value"] = cage.email("prh_ytj", "a key of a company")
        if number == 5:
            company["registeredEntries"] = cage.name("prh_ytj", "something else than a list")
    folder.mkdir()
    path = folder / "all_companies-2026-11-01.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, json.dumps(companies, ensure_ascii=False))
    return path


def _linked_events(folder: Path, cage: Cage) -> Path:
    keeper = "linked_events"
    folder.mkdir()
    for path in sorted((SAMPLES / keeper / "sample").glob("*.json")):
        content = json.loads(path.read_text())
        for number, event in enumerate(content["data"]):
            event["provider_contact_info"] = {"fi": cage.name(keeper, "contact of an event")}
            event["created_by"] = cage.name(keeper, "who made an event")
            event["user_email"], event["user_name"] = cage.email(keeper, "user"), cage.name(keeper, "user")
            event["custom_data"] = {"contact": cage.british_phone(keeper, "data of an event")}
            event["location_extra_info"] = {"fi": cage.words(keeper, "where an event is")}
            for where in [event["location"]] if event.get("location") else []:
                where["email"], where["telephone"] = (
                    cage.email(keeper, "place"),
                    {"fi": cage.phone(keeper, "place")},
                )
                where["contact_type"], where["street_address"] = "x", {"fi": cage.street(keeper, "street")}
            if number == 1:
                event["description"] = {"fi": f"<p>Ask <b>{cage.email(keeper, 'description')}</b></p>"}
            if number == 2:
                event["short_description"] = {"en": f"Ring {cage.phone(keeper, 'short description')}"}
            if number == 3:
                event["start_time"] = f"ask {cage.email(keeper, 'a time that is none')}"
        (folder / path.name).write_text(json.dumps(content, ensure_ascii=False))
    return folder


def _grants(folder: Path, cage: Cage) -> Path:
    """Grants to persons; and to what an organisation's place names that is a person."""
    keeper = "threesixty_giving"
    path = next((SAMPLES / keeper / "sample").glob("*.json"))
    content = json.loads(path.read_text())
    first = content["grants"][0]
    for number in range(4):
        person = {"id": cage.email(keeper, "id of a person"), "name": cage.name(keeper, "grant to a person")}
        own: dict[str, Any] = {
            "id": f"360G-example-1{number}",
            "title": cage.words(keeper, "title of a grant to a person"),
            "description": cage.words(keeper, "description of a grant to a person"),
            "recipientIndividual": person,
        }
        if number == 2:
            own["awardDate"] = cage.words(keeper, "date of a grant to a person")
        if number == 3:
            own["amountAwarded"] = cage.name(keeper, "amount of a grant to a person")
        content["grants"].append({k: v for k, v in first.items() if k != "recipientOrganization"} | own)
    trader = {"id": "360G-example-trader", "name": f"Mr {cage.name(keeper, 'a sole trader')} t/a Example Training"}
    trader["streetAddress"], trader["email"] = cage.street(keeper, "street"), cage.email(keeper, "e-mail")
    trader["contactName"], trader["telephone"] = cage.name(keeper, "contact"), cage.phone(keeper, "telephone")
    content["grants"].append({**first, "id": "360G-example-20", "recipientOrganization": [trader]})
    content["publisher"]["email"] = cage.email(keeper, "publisher")
    folder.mkdir()
    (folder / path.name).write_text(json.dumps(content))
    return folder / path.name


def _projects(folder: Path, cage: Cage) -> Path:
    keeper = "structural_funds"
    folder.mkdir()
    for path in sorted((SAMPLES / keeper / "sample").glob("*.csv")):
        lines = path.read_text("utf-8-sig").splitlines()
        if path.name.startswith("proj"):
            name = cage.name(keeper, "lead of a project")
            lines.append(
                f"A79001,EAKR,Kokeilu,2,Uudenmaan liitto,Toiminnassa,1.9.2015,30.6.2017,{name},9,1,9,1,,;"
            )
            name = cage.name(keeper, "lead of a project that cannot be read")
            lines.append(f"A79002,EAKR,Kokeilu,2,U,Toiminnassa,31.12.2018,{name},9000, 100,,;")
        else:
            name, words = cage.name(keeper, "recipient"), cage.words(keeper, "summary of a project")
            told = "01. Nov 15,31. Dez 18,1,2,50%,E20 3BS, London ,England,"
            lines.append(f'Mr {name},A project,ESF,"{words}",{told}')
            name = cage.name(keeper, "recipient of what cannot be read")
            lines.append(f"Mr {name},A project,ESF,{words},a,b,c")
        (folder / path.name).write_text("\n".join(lines) + "\n")
    return folder


_SOURCES: Mapping[str, Callable[[Path, Cage], Path]] = {
    "agile_pilots": _pilots,
    "innovators_club": _club,
    "surveys": _surveys,
    "companies_house": _companies_house,
    "prh_ytj": _prh,
    "linked_events": _linked_events,
    "threesixty_giving": _grants,
    "structural_funds": _projects,
    "plexal": _no_workbook,
    "tech_nation": _no_table,
    "here_east": _csv_of_tenants,
}
