"""A declaration proposed from a workbook that nobody prepared: it is what the house's own reading finds in it."""

from datetime import date
from decimal import Decimal

import pytest

from sources import SourceError, load_source
from sources.workbooks import read
from sources.workbooks.proposing import as_yaml, propose
from sources.workbooks.proposing.naming import name_of
from sources.workbooks.proposing.privacy import privacy_of
from tests import unprepared
from tests.workbook_factory import SAMPLE, save, snapshot
from warehouse.declarations import Severity


def proposed(tmp_path, make, name="thing"):
    """The proposal, its declaration as it is read from its own YAML, and the workbook read by that."""
    path = make(tmp_path / "book.xlsx")
    proposal = propose(path, name)
    (tmp_path / "source.yaml").write_text(as_yaml(proposal, "opendistrict", "CC-BY-4.0"))
    declaration = load_source(tmp_path / "source.yaml")
    return proposal, declaration, read(snapshot(path), declaration, tmp_path)


def serious(reading):
    return [f for f in reading.findings if f.severity in (Severity.CRITICAL, Severity.ERROR)]


def fields(declaration, table=0):
    return {field.name: field for field in declaration.tables[table].fields}


def told(declaration, table=0):
    """By column: type, unit, class."""
    return {n: (f.type, f.unit, f.privacy.value) for n, f in fields(declaration, table).items()}


def test_finnish_headers_dates_commas_and_euros(tmp_path):
    proposal, declaration, reading = proposed(tmp_path, unprepared.finnish)
    assert told(declaration) == {
        "id": ("string", None, "public"),
        "project": ("string", None, "public"),
        "district": ("string", None, "public"),
        "start_date": ("date", None, "public"),
        "end_date": ("date", None, "public"),
        "grant_eur": ("number", "EUR", "public"),
        "participants_count": ("integer", "people", "public"),
        "share_pct": ("number", "%", "public"),
        "is_accessible": ("boolean", None, "public"),
        "status_code": ("string", None, "public"),
        "year": ("year", None, "public"),
    }
    found = fields(declaration)
    assert found["grant_eur"].decimals == 2
    assert (found["share_pct"].constraints.minimum, found["share_pct"].constraints.maximum) == (0, 100)
    assert found["status_code"].constraints.enum == ("Keskeytetty", "Vireillä")
    assert found["district"].constraints.enum is None
    assert all(field.constraints.required for field in found.values())
    assert declaration.tables[0].primary_key == ("id",)
    assert declaration.tables[0].title == "Avustukset"
    assert proposal.is_finnish
    assert proposal.others == ("sheet 'Muistio' has no header with records below it in its first 30 rows",)
    assert not serious(reading)
    rows = reading.tables["avustukset"].to_pylist()
    assert len(rows) == 24
    assert (rows[0]["start_date"], rows[0]["grant_eur"]) == (date(2024, 3, 2), Decimal("1500.50"))


def test_groups_of_columns_are_joined_with_their_labels(tmp_path):
    _, declaration, reading = proposed(tmp_path, unprepared.two_rows)
    assert list(fields(declaration)) == [
        "record_date", "place", "visitors_morning", "visitors_noon", "visitors_evening", "staff_morning",
        "staff_evening",
    ]  # fmt: skip
    assert fields(declaration)["staff_evening"].title == "Staff / Evening"
    assert declaration.tables[0].primary_key == ("record_date",)
    assert not reading.findings
    assert reading.tables["visits"].to_pylist()[2] | {"_file": ""} == {
        "record_date": date(2024, 2, 3), "place": "Yard", "visitors_morning": 3, "visitors_noon": 6,
        "visitors_evening": 9, "staff_morning": 2, "staff_evening": 1, "_file": "", "_sheet": "Visits", "_row": 6,
    }  # fmt: skip


def test_codes_flags_formats_and_references(tmp_path):
    proposal, declaration, reading = proposed(tmp_path, unprepared.coded)
    found = fields(declaration)
    assert found["theme_code"].constraints.code_list == "themes"
    assert found["size_class_code"].constraints.enum == ("L", "M", "S")
    assert told(declaration)["is_public"] == ("boolean", None, "public")
    assert told(declaration)["started_date"] == ("date", None, "public")
    assert told(declaration)["budget_eur"] == ("number", "EUR", "public")
    assert told(declaration)["share_pct"] == ("number", "%", "public")
    (key,) = declaration.tables[0].foreign_keys
    assert (key.fields, key.table, key.references) == (("call",), "calls", ("call_id",))
    assert proposal.main.declaration.name == "trials"
    assert not serious(reading)
    assert reading.tables["trials"].to_pylist()[0]["share_pct"] == Decimal("2.5")


def test_what_speaks_of_persons_stays_inside(tmp_path):
    proposal, declaration, reading = proposed(tmp_path, unprepared.with_contacts, "partners")
    assert {name: field.privacy.value for name, field in fields(declaration).items()} == {
        "number": "public", "company": "public", "business_id": "public", "contact": "personal",
        "email": "personal", "puh": "personal", "address": "internal", "tapasimme": "internal", "link": "public",
        "postcode": "public",
    }  # fmt: skip
    assert fields(declaration)["business_id"].constraints.check == "business_id_fi"
    assert fields(declaration)["postcode"].type == "string"
    assert declaration.tables[0].name == "partners"
    assert declaration.tables[0].primary_key == ("number",)
    assert not serious(reading)
    written = as_yaml(proposal, "opendistrict", "CC-BY-4.0")
    assert not [one for one in ("Meikäläinen", "example.org", "040", "Katu") if one in written]


def test_without_an_id_the_fewest_columns_that_differ_are_the_key(tmp_path):
    proposal, declaration, reading = proposed(tmp_path, unprepared.without_key)
    assert declaration.tables[0].primary_key == ("place", "year", "quarter_code")
    assert "better give every row one" in proposal.main.key.doubt
    assert told(declaration)["value_keur"] == ("integer", "kEUR", "public")
    assert not serious(reading)


def test_rows_that_nobody_can_tell_apart_are_a_message(tmp_path):
    with pytest.raises(SourceError, match=r"its 3 rows\. Give every row an id .* columns are Colour, Shape"):
        propose(unprepared.twice_the_same(tmp_path / "book.xlsx"), "thing")


def test_what_is_no_table_is_said(tmp_path):
    notes = save(tmp_path / "notes.xlsx", {"Notes": [["Call the city"], ["Ask for a photo"]], "Empty": []})
    with pytest.raises(SourceError, match=r"'Notes' has no header.*'Empty' is empty"):
        propose(notes, "thing")
    (tmp_path / "book.xlsx").write_bytes(b"%PDF-1.4")
    with pytest.raises(SourceError, match="it is a PDF"):
        propose(tmp_path / "book.xlsx", "thing")


def test_a_sheet_a_year_is_one_table_and_unclear_columns_are_left_out(tmp_path):
    rows = [["ID", "Size", "Note", "Note", "Opens"], *([f"{n}", n, "x", "y", "09:30"] for n in range(1, 6))]
    later = [rows[0], *([f"{n}", n, "x", "y", "09:30"] for n in range(6, 9))]
    path = save(tmp_path / "sizes.xlsx", {"2023": rows, "2024": later})
    (table,) = propose(path, "sizes").tables
    assert table.sheets == ("2023", "2024")
    assert table.records == 8
    assert [field.name for field in table.declaration.fields] == ["id", "size", "opens"]
    assert table.left_out == ("'Note' is the header of several columns",)


def test_a_slip_in_a_column_makes_no_text_of_it_and_is_pointed_out(tmp_path):
    rows = [["ID", "Grant (EUR)"], *([f"p{n}", 100 * n] for n in range(1, 30)), ["p30", "n. 5000"]]
    (table,) = propose(save(tmp_path / "book.xlsx", {"Grants": rows}), "grants").tables
    grant = table.fields[1]
    assert (grant.declaration.type, grant.declaration.unit) == ("number", "EUR")
    assert grant.evidence == "29 of 30 cells are numbers in EUR"
    assert grant.doubt == "rows that cannot be read so: 31"


def test_the_houses_own_sample_is_guessed_nearly_as_it_is_declared():
    proposal = propose(SAMPLE, "agile_pilots")
    pilots, rounds = (table.declaration for table in proposal.tables)
    assert (pilots.primary_key, rounds.primary_key) == (("pilot_id",), ("round_id",))
    assert [(key.table, key.references) for key in pilots.foreign_keys] == [("rounds", ("round_id",))]
    assert {f.name for f in pilots.fields if f.privacy.value == "personal"} == {"contact", "email"}


def test_months_and_years_among_dates_are_dates_with_their_precision(tmp_path):
    rows = [["project_id", "start_date", "total_budget_eur"], ["a", "2016-05", 1000], ["b", "2016", 2000.5],
            ["c", "1.3.2017", None]]  # fmt: skip

    def make(path):
        return save(path, {"projects_of_ours": rows})

    _, declaration, reading = proposed(tmp_path, make)
    assert told(declaration) == {
        "project_id": ("string", None, "public"),
        "start_date": ("date", None, "public"),
        "total_budget_eur": ("number", "EUR", "public"),
        "date_precision_code": ("string", None, "public"),
    }
    assert declaration.tables[0].title == "Projects of ours"
    assert fields(declaration)["start_date"].title == "Start date"
    assert [f.rule for f in reading.findings] == ["read-as"]
    read_rows = reading.tables["projects_of_ours"].to_pylist()
    assert [(row["start_date"], row["date_precision_code"]) for row in read_rows] == [
        (date(2016, 5, 1), "month"), (date(2016, 1, 1), "year"), (date(2017, 3, 1), None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "kind", "unit", "name"),
    [
        ("Avustus (EUR)", "number", "EUR", "grant_eur"),
        ("Hinta, €", "number", "EUR", "price_eur"),
        ("Pinta-ala m²", "number", "m2", "floor_area_m2"),
        ("Osuus %", "number", "%", "share_pct"),
        ("Alkamispäivä", "date", None, "start_date"),
        ("Tilauspvm", "date", None, "tilaus_date"),
        ("Päivämäärä", "date", None, "record_date"),
        ("EUR", "number", "EUR", "record_eur"),
        ("Onko käytössä?", "boolean", None, "is_onko_kaytossa"),
        ("CompanyNumber", "string", None, "company_number"),
        ("2016", "integer", None, "n_2016"),
        ("Hinta (alv 0 %)", "number", "EUR", "price_eur"),
        ("Kävijöitä (hlö)", "integer", "people", "visitors_count"),
    ],
)
def test_names_carry_what_a_column_holds(header, kind, unit, name):
    assert name_of(header, kind, unit, is_code=False, taken=()) == name


@pytest.mark.parametrize(
    ("header", "texts", "privacy"),
    [
        ("Contact person", ["x"], "personal"),
        ("Osallistujan sähköposti", ["x"], "personal"),
        ("Anything", ["maija@example.org"], "personal"),
        ("Anything", ["call 040 123 4567"], "personal"),
        ("Met with", ["Maija Meikäläinen", "Jean de Ville", "Matti Virtanen"], "internal"),
        ("Company", ["Maija Meikäläinen", "Matti Virtanen"], "public"),
        ("Partner", ["Reaktor Oy"], "public"),
        ("Street address", ["Katu 1"], "internal"),
        ("Lisätietoja", ["x"], "internal"),
        ("Story", ["What we did in the yard, with whom we did it, and what came of it in the end."], "internal"),
        ("Web address", ["https://example.org/" + 80 * "x"], "public"),
        ("District", ["Kalasatama"], "public"),
        ("Age", [], "personal"),
        ("Female founder? (Y/N)", [], "personal"),
        ("Image", ["x"], "public"),
    ],
)
def test_who_may_see_a_column_is_guessed_on_the_safe_side(header, texts, privacy):
    assert privacy_of(header, texts)[0].value == privacy


def test_money_without_a_currency_is_asked_about(tmp_path):
    path = save(tmp_path / "book.xlsx", {"Hankkeet": [["Koodi", "Myönnetty rahoitus"], ["a", 5], ["b", 7]]})
    (table,) = propose(path, "hankkeet").tables
    assert [field.doubt for field in table.fields] == ["", "in which currency? declare its unit"]


def test_eight_digits_are_no_business_ids_unless_their_check_digits_are_right(tmp_path):
    rows = [[f"c{n}", f"{n * 1234567:08}"] for n in range(1, 31)]
    path = save(tmp_path / "book.xlsx", {"Companies": [["Ref", "Company no."], *rows]})
    (table,) = propose(path, "companies").tables
    assert table.declaration.field("company_no").constraints.check is None


def test_days_that_differ_by_chance_are_no_key_where_words_and_years_do(tmp_path):
    rows = [
        [["Swings", "Slides"][n % 2], 2013 + n // 2, n * 7, date(2024, 1, 1 + n).strftime("%-d.%-m.%Y")]
        for n in range(20)
    ]
    path = save(tmp_path / "book.xlsx", {"Figures": [["Figure", "Year", "Reached (kpl)", "Updated"], *rows]})
    (table,) = propose(path, "figures").tables
    assert table.declaration.primary_key == ("figure", "year")
    assert table.declaration.field("reached_count").type == "integer"


def test_millions_stay_in_the_name(tmp_path):
    rows = [[f"c{n}", n / 2] for n in range(1, 9)]
    path = save(tmp_path / "book.xlsx", {"Rounds": [["Ref", "Raised (£m)"], *rows]})
    (table,) = propose(path, "rounds").tables
    field = table.declaration.fields[1]
    assert (field.name, field.unit, field.type) == ("raised_mgbp", "MGBP", "number")
