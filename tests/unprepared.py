"""Workbooks as they come from people who never heard of the house."""

from datetime import date, datetime
from pathlib import Path

from openpyxl import Workbook

from tests.workbook_factory import save


def finnish(target: Path) -> Path:
    """Grants of a Finnish town: a title, dates as 1.3.2024, decimal commas, euros, a total below."""
    districts = ["Kalasatama", "Kallio", "Pasila", "Vallila"]
    rows = [
        [
            f"A-{number:03}", f"Kokeilu {number}", districts[number % 4], f"{1 + number % 28}.3.2024",
            f"{1 + number % 28}.{5 + number % 7}.2024", f"{number} 500,50 €", 10 + number, 12.5 * (number % 8),
            ["kyllä", "ei"][number % 2], ["Vireillä", "Keskeytetty"][number % 2], 2024 - number % 3,
        ]
        for number in range(1, 25)
    ]  # fmt: skip
    headers = [
        "Tunnus", "Hanke", "Kaupunginosa", "Alkaa", "Päättyy", "Avustus", "Osallistujat (hlö)", "Osuus (%)",
        "Esteetön", "Tila", "Vuosi",
    ]  # fmt: skip
    total = ["Yhteensä", None, None, None, None, "900 000 €"]
    return save(
        target, {"Avustukset": [["Avustukset 2024"], [], headers, *rows, total], "Muistio": [["Muista kysyä"]]}
    )


def two_rows(target: Path) -> Path:
    """Visits, with groups of columns whose labels come back."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Visits"
    sheet.append(["Visits to the house"])
    sheet.append(["Date", "Place", "Visitors", None, None, "Staff", None])
    sheet.append([None, None, "Morning", "Noon", "Evening", "Morning", "Evening"])
    for day in range(1, 29):
        sheet.append([datetime(2024, 2, day), ["Hall", "Yard"][day % 2], day, day * 2, day * 3, 2, 1])
    for area in ("A1:G1", "A2:A3", "B2:B3", "C2:E2", "F2:G2"):
        sheet.merge_cells(area)
    book.save(target)
    return target


def coded(target: Path) -> Path:
    """Codes: flags in letters, themes of the house's list, sizes, amounts by their number format; two sheets."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Trials"
    sheet.append(
        ["Trial ID", "Name of trial", "Theme", "Size class", "Public?", "Started", "Budget", "Share", "Call"]
    )
    for number in range(1, 31):
        sheet.append([
            f"t{number}", f"Trial no. {number}", ["Liikenne", "Energy", "climate"][number % 3], "SML"[number % 3],
            "KE"[number % 2], date(2023, 1 + number % 12, 1), 1000 * number, number / 40, f"call-{1 + number % 2}",
        ])  # fmt: skip
        sheet.cell(number + 1, 7).number_format = "#,##0.00 €"
        sheet.cell(number + 1, 8).number_format = "0.0 %"
    calls = book.create_sheet("Calls")
    calls.append(["Call ID", "Opens"])
    for number in (1, 2, 3):
        calls.append([f"call-{number}", date(2022, number, 1)])
    book.save(target)
    return target


def with_contacts(target: Path) -> Path:
    """Companies with whom to talk to, where, and what to remember."""
    people = ["Maija Meikäläinen", "Matti Virtanen", "Anna-Liisa Korhonen"]
    rows = [
        [
            number, f"Yritys {number} Oy", ["2170029-2", "0737546-2", "1927400-1"][number % 3], people[number % 3],
            f"maija{number}@example.org", f"040 123 45{number:02}", f"Katu {number}, Helsinki",
            people[(number + 1) % 3], f"https://example.org/{number}", f"{number:05}",
        ]
        for number in range(1, 13)
    ]  # fmt: skip
    headers = [
        "Nro", "Yritys", "Y-tunnus", "Yhteyshenkilö", "Sähköposti", "Puh.", "Osoite", "Tapasimme", "Linkki",
        "Postinumero",
    ]  # fmt: skip
    return save(target, {"Taul1": [headers, *rows]})


def without_key(target: Path) -> Path:
    """Measurements: no id, but place, year and quarter together differ."""
    rows = [
        [place, year, quarter, 5]
        for place in ("Kallio", "Pasila")
        for year in (2021, 2022, 2023)
        for quarter in ("Q1", "Q2", "Q3", "Q4")
    ]
    return save(target, {"Measured": [["Place", "Year", "Quarter", "Value (k€)"], *rows]})


def twice_the_same(target: Path) -> Path:
    """Rows that nobody can tell apart."""
    return save(target, {"Things": [["Colour", "Shape"], ["red", "round"], ["red", "round"], ["blue", "round"]]})
