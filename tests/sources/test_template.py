"""The empty workbook of a source: filled in and saved by another program, it is read as what was written."""

from __future__ import annotations

import string
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.annotate import annotate
from sources import declarations
from sources.workbooks import read
from sources.workbooks.cell_values import is_blank, is_ditto, is_error_word, unscrambled
from sources.workbooks.misfits import is_total
from sources.workbooks.template import LANGUAGES, write_template
from sources.workbooks.template.columns import choices_of
from sources.workbooks.template.words import title_of
from tests import workbook_factory as factory
from warehouse.archive import RawFile, Snapshot, sha256_of
from warehouse.declarations import Severity
from warehouse.sheets import Cell, match_tables, open_book, template_mark

WORKBOOKS = {name: one for name, one in declarations().items() if one.kind == "workbook"}
each_workbook = pytest.mark.parametrize("name", WORKBOOKS)
each_language = pytest.mark.parametrize("language", LANGUAGES)
# Well-known true ones: the test is of reading, not of check digits.
IDENTIFIERS = {"business_id_fi": ["2170029-2", "0112038-9"], "company_number_uk": ["01234567", "SC123456"]}


def snapshot_of(path, source):
    return Snapshot(
        source,
        date(2026, 1, 31),
        str(path),
        (RawFile(path.name, sha256_of(path), path.stat().st_size),),
        path.parent,
    )


def reading_of(path, source, tmp_path):
    return read(snapshot_of(path, source.name), source, tmp_path)


def template(tmp_path, source, language="en"):
    path = tmp_path / f"{source.name}-{language}.xlsx"
    write_template(source, language, path)
    return path


# --- what a template is ------------------------------------------------------------------------------


@each_workbook
@each_language
def test_every_column_of_a_template_is_found_again_under_its_title(name, language, tmp_path):
    source = WORKBOOKS[name]
    book = open_book(template(tmp_path, source, language), source.tables)
    matching = match_tables(book, source.tables)
    assert [match.table.name for match in matching.tables] == [table.name for table in source.tables]
    assert all(match.by_name for match in matching.tables)
    assert matching.others == ()
    for match in matching.tables:
        assert list(match.header.columns) == [field.name for field in match.table.fields]
        assert (match.header.unknown, match.header.repeated) == ({}, {})


@each_workbook
@each_language
def test_the_same_declaration_makes_the_same_bytes(name, language, tmp_path):
    first = template(tmp_path, WORKBOOKS[name], language).read_bytes()
    assert template(tmp_path, WORKBOOKS[name], language).read_bytes() == first


@each_language
def test_a_template_says_what_its_columns_are(language, tmp_path):
    source, words = factory.declaration(), LANGUAGES[language]
    book = openpyxl.load_workbook(template(tmp_path, source, language))
    pilots = source.table("pilots")
    sheet = book[title_of(pilots, words)]
    columns = {field.name: number for number, field in enumerate(pilots.fields, start=1)}
    assert sheet.freeze_panes == "B3"
    assert sheet.cell(1, columns["pilot_id"]).value == words.required
    assert sheet.cell(1, columns["contact_email"]).value == words.never_published
    note = sheet.cell(2, columns["contact_email"]).comment.text
    assert words.never_published in note.lower()
    formats = {name: sheet.column_dimensions[letters(column)].number_format for name, column in columns.items()}
    assert (formats["grant_eur"], formats["participants_count"], formats["pilot_id"]) == ("0.00", "0", "@")
    assert formats["start_date"] == "General"  # a month is written there too
    rules = {str(rule.sqref).split(":")[0]: rule for rule in sheet.data_validations.dataValidation}
    grant, theme = (rules[f"{letters(columns[name])}3"] for name in ("grant_eur", "theme_code"))
    assert (grant.type, float(grant.formula1), float(grant.formula2)) == ("decimal", 0, 1_000_000)
    assert grant.errorStyle in (None, "stop")
    assert grant.error
    assert (theme.type, theme.formula1.startswith("Lists!$")) == ("list", True)
    assert book["Lists"].sheet_state == "hidden"
    assert book.sheetnames[0] == words.instructions_sheet
    told = [str(cell.value) for row in book[words.instructions_sheet].iter_rows() for cell in row if cell.value]
    assert any(source.name in text for text in told)
    codes = {row[2].value: row[1].value for row in book[words.codes_sheet].iter_rows(min_row=4)}
    assert codes["mobility"] == {"en": "Mobility", "fi": "Liikkuminen"}[language]


def letters(column):
    return openpyxl.utils.get_column_letter(column)


@each_workbook
@each_language
def test_every_choice_of_a_drop_down_means_its_code(name, language, tmp_path):
    source, words = WORKBOOKS[name], LANGUAGES[language]
    book = openpyxl.load_workbook(template(tmp_path, source, language))
    for table in source.tables:
        sheet = book[title_of(table, words)]
        for rule in sheet.data_validations.dataValidation:
            if rule.type != "list":
                continue
            column = openpyxl.utils.cell.coordinate_from_string(str(rule.sqref).split(":")[0])[0]
            field = table.fields[openpyxl.utils.column_index_from_string(column) - 1]
            offered = [
                cell.value for (cell,) in book["Lists"][rule.formula1.removeprefix("Lists!").replace("$", "")]
            ]
            assert offered == list(choices_of(field, words).values())


# --- filled in, saved, read --------------------------------------------------------------------------


def values_of(field):
    """Valid values of a column, as (what is written, what is read)."""
    limits = field.constraints
    if limits.code_list or limits.enum or field.type == "boolean":
        pairs = {words.language: choices_of(field, words) for words in LANGUAGES.values()}
        codes = list(pairs["en"])
        return st.sampled_from(codes).map(
            lambda code: (
                {language: choices[code] for language, choices in pairs.items()},
                code == "true" if field.type == "boolean" else code,
            )
        )
    if limits.check:
        return st.sampled_from(IDENTIFIERS[limits.check]).map(same)
    return _PLAIN[field.type](field).map(same)


def test_there_is_a_value_of_every_kind_of_identifier_that_a_workbook_has():
    checked = {f.constraints.check for s in WORKBOOKS.values() for table in s.tables for f in table.fields}
    assert checked - {None} <= set(IDENTIFIERS), "give an example above"


def same(value):
    return (dict.fromkeys(LANGUAGES, value), value)


def texts(field):
    longest = field.constraints.max_length or 40
    if field.constraints.pattern:
        return st.from_regex(field.constraints.pattern, fullmatch=True, alphabet=string.printable[:95]).filter(
            lambda text: len(text) <= longest and is_plain(text)
        )
    return st.text(string.ascii_letters + "äöÄÖ£€", min_size=2, max_size=min(longest, 30)).filter(is_plain)


def is_plain(text):
    """Whether a text is one, and no word for "as above", for nothing, for an error or for a row of totals."""
    words = (is_blank, is_ditto, is_error_word, unscrambled, lambda one: is_total(Cell(one)))
    return text == text.strip() and any(c.isalnum() for c in text) and not any(word(text) for word in words)


def numbers(field):
    low, high = field.constraints.minimum or 0, field.constraints.maximum
    high = 10**6 if high is None else high
    if field.type != "number":
        return st.integers(int(low), int(high))
    places = 2 if field.decimals is None else field.decimals
    return st.decimals(Decimal(low), Decimal(high), places=places).map(lambda d: d if field.decimals else float(d))


def days(field):
    low = field.constraints.minimum or date(2000, 1, 1)
    high = field.constraints.maximum or date(2030, 12, 31)
    return st.dates(date.fromisoformat(str(low)), date.fromisoformat(str(high)))


def years(field):
    low, high = field.constraints.minimum or 1990, field.constraints.maximum or 2030
    return st.integers(int(low), int(high))


_PLAIN = {
    "string": texts,
    "integer": numbers,
    "number": numbers,
    "date": days,
    "datetime": lambda field: days(field).map(lambda day: datetime(day.year, day.month, day.day, 14, 30)),
    "year": years,
}


@st.composite
def filled_tables(draw, source):
    """Per table its records: by field what is written in each language, and what is read."""
    tables = {}
    for table in source.tables:
        rows = draw(st.integers(2, 4))
        tables[table.name] = [
            {
                field.name: draw(values_of(field))
                for field in table.fields
                if field.constraints.required or field.name in table.primary_key or draw(st.booleans()) or row == 0
            }
            for row in range(rows)
        ]
    return tables


@each_workbook
@settings(
    max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, print_blob=False
)
@given(data=st.data())
def test_what_was_written_into_a_template_is_what_is_read(name, tmp_path_factory, data):
    source = WORKBOOKS[name]
    language = data.draw(st.sampled_from(list(LANGUAGES)))
    words, tmp_path = LANGUAGES[language], tmp_path_factory.mktemp("template")
    written = data.draw(filled_tables(source))
    path = template(tmp_path, source, language)
    book = openpyxl.load_workbook(path)
    for table in source.tables:
        sheet = book[title_of(table, words)]
        for number, record in enumerate(written[table.name], start=3):
            for column, field in enumerate(table.fields, start=1):
                if field.name in record:
                    cell = sheet.cell(number, column, record[field.name][0][language])
                    cell.number_format = sheet.column_dimensions[letters(column)].number_format
    book.save(path)
    reading = reading_of(path, source, tmp_path)
    assert [(f.rule, f.message) for f in reading.findings] == []
    for table in source.tables:
        rows = reading.tables[table.name].to_pylist()
        expected = [{n: value for n, (_, value) in record.items()} for record in written[table.name]]
        assert [{n: v for n, v in row.items() if v is not None and n[0] != "_"} for row in rows] == expected
    assert template_mark(open_book(path, source.tables)).language == language


# --- handed in ---------------------------------------------------------------------------------------


def filled(path, rows=1):
    """A template of the agile pilots with a round in it."""
    book = openpyxl.load_workbook(path)
    for number in range(3, 3 + rows):
        for column, value in enumerate((f"round-{number}", "Demo", "1", 2016, 12, 3), start=1):
            book["Rounds"].cell(number, column, value)
    book.save(path)
    return path


def test_the_mark_survives_a_save_by_another_program_and_the_loss_of_its_sheet(tmp_path):
    source = factory.declaration()
    path = template(tmp_path, source, "fi")
    made = template_mark(open_book(path, source.tables))
    book = openpyxl.load_workbook(path)
    book.save(path)
    assert template_mark(open_book(path, source.tables)) == made
    del book["Lists"]
    book.save(path)
    left = template_mark(open_book(path, source.tables))
    assert (str(left), left.columns) == (str(made), None)
    assert template_mark(open_book(factory.SAMPLE, source.tables)) is None


def test_an_older_template_is_read_and_says_what_is_new_and_gone(tmp_path):
    now = factory.declaration()
    rounds, pilots = now.table("rounds"), now.table("pilots")
    renamed = rounds.fields[-1].model_copy(update={"name": "old_address", "title": "Old address"})
    then = rounds.model_copy(update={"fields": (*rounds.fields[:-2], renamed)})
    path = filled(template(tmp_path, now.model_copy(update={"tables": (pilots, then)})))
    findings = [f for f in reading_of(path, now, tmp_path).findings if f.rule == "older-template"]
    (said,) = findings
    assert said.severity is Severity.INFO
    assert "New since: “Confidence” on the sheet “Rounds”, “Source” on the sheet “Rounds”." in said.message
    assert "Gone since: rounds.old_address." in said.message
    assert f"opendistrict template {now.name} --language en" in said.help


def test_a_template_of_the_same_columns_whose_codes_changed_is_older_too(tmp_path):
    now = factory.declaration()
    rounds = now.table("rounds")
    year = rounds.field("round_year")
    other = year.model_copy(update={"constraints": year.constraints.model_copy(update={"maximum": 2050})})
    then = rounds.model_copy(update={"fields": tuple(other if f is year else f for f in rounds.fields)})
    path = filled(template(tmp_path, now.model_copy(update={"tables": (now.table("pilots"), then)})))
    (said,) = [f for f in reading_of(path, now, tmp_path).findings if f.rule == "older-template"]
    assert "The columns are the same" in said.message


def test_a_change_of_wording_makes_no_template_older(tmp_path):
    now = factory.declaration()
    path = filled(template(tmp_path, now))
    reworded = now.table("rounds").model_copy(update={"description": "Other words."})
    changed = now.model_copy(update={"tables": (now.table("pilots"), reworded)})
    assert [f for f in reading_of(path, changed, tmp_path).findings if f.rule == "older-template"] == []


def test_a_workbook_of_another_source_is_recognised_by_its_mark(tmp_path):
    here = factory.declaration()
    there = here.model_copy(update={"name": "tenants", "title": "Tenants"})
    reading = reading_of(filled(template(tmp_path, there)), here, tmp_path)
    (said,) = reading.findings
    assert (said.rule, said.severity) == ("wrong-place", Severity.CRITICAL)
    assert "was handed in for “Agile pilots”" in said.message
    assert "inbox/tenants" in said.help
    assert all(table.num_rows == 0 for table in reading.tables.values())
    assert set(reading.incomplete) == {"pilots", "rounds"}


def test_a_workbook_of_another_source_is_recognised_by_its_headers(tmp_path):
    pilots = factory.declaration()
    year = pilots.table("rounds").field("round_year").model_copy(update={"name": "lunch", "title": "Lunch"})
    rows = pilots.table("rounds").model_copy(
        update={"name": "menu", "title": "Menu", "fields": (year,), "primary_key": ("lunch",)}
    )
    canteen = pilots.model_copy(update={"name": "canteen", "title": "Canteen", "tables": (rows,)})
    (said,) = reading_of(factory.good_workbook(tmp_path / "book.xlsx"), canteen, tmp_path).findings
    assert (said.rule, said.severity) == ("wrong-place", Severity.CRITICAL)
    assert "has the columns of “Agile pilots”" in said.message


def test_sources_of_one_kind_are_not_taken_for_one_another_for_want_of_a_sheet(tmp_path):
    """Half of the columns are there, and of another source all: but it is this one's sheet, by its name."""
    pilots = factory.declaration()
    rounds = pilots.table("rounds")
    more_fields = [
        rounds.fields[0].model_copy(update={"name": f"extra_{n}", "title": f"Extra {n}", "source_names": ()})
        for n in range(40)
    ]
    other = rounds.model_copy(
        update={"name": "others", "title": "Others", "fields": tuple(more_fields), "primary_key": ("extra_0",)}
    )
    more = pilots.model_copy(update={"name": "more", "tables": (*pilots.tables, other)})
    path = factory.good_workbook(tmp_path / "book.xlsx")
    assert "wrong-place" not in {f.rule for f in reading_of(path, more, tmp_path).findings}


def test_an_unfinished_workbook_of_the_right_source_is_of_no_other(tmp_path):
    path = factory.save(tmp_path / "book.xlsx", {"Pilots": [["Pilot ID", "Starts"], ["a", "2016-01-01"]]})
    assert "wrong-place" not in {f.rule for f in reading_of(path, factory.declaration(), tmp_path).findings}


@each_language
def test_an_empty_template_is_told_as_what_it_is(language, tmp_path):
    source = factory.declaration()
    (said,) = reading_of(template(tmp_path, source, language), source, tmp_path).findings
    assert (said.rule, said.severity) == ("empty-template", Severity.CRITICAL)
    assert "no row is filled in" in said.message


def test_a_template_comes_back_marked_with_all_that_it_holds(tmp_path):
    source = factory.declaration()
    path = filled(template(tmp_path, source))
    reading = reading_of(path, source, tmp_path)
    marked = tmp_path / "marked.xlsx"
    annotate(path, reading.findings, marked, source)
    book = openpyxl.load_workbook(marked)
    assert {"Instructions", "Pilots", "Rounds", "Codes", "Lists"} <= set(book.sheetnames)
    assert book["Pilots"].data_validations.dataValidation
    assert template_mark(open_book(marked, source.tables)) == template_mark(open_book(path, source.tables))


@each_workbook
def test_a_title_in_either_language_names_its_own_column(name):
    source = WORKBOOKS[name]
    for table in source.tables:
        for words in LANGUAGES.values():
            titles = [title_of(field, words) for field in table.fields]
            assert len({title.casefold() for title in titles}) == len(titles)
