"""Where, when, whose, and in which languages: what the catalogue says beside the rows."""

from __future__ import annotations

import dataclasses
import json

import duckdb
import pytest
import yaml

from publish.catalogue import load_catalogue
from publish.metadata import dcat
from publish.metadata.coverage import period_of
from publish.metadata.datapackage import declaration_digest
from publish.metadata.words import NOT_REVIEWED
from publish.portals.ckan.wanted import wanted_dataset
from publish.portals.folder.pages import Site, dataset_page
from publish.portals.folder.speaking import UNITS
from publish.translations import translated
from publish.withdrawal import rewrite
from sources import declarations
from tests.publish import places
from warehouse.declarations import DeclarationError, Period, digest_of, parse
from warehouse.home import Home
from warehouse.messages import Language
from warehouse.withdrawals import withdrawal

HELSINKI = "http://publications.europa.eu/resource/authority/place/FIN_HEL"
COVERAGE = {
    "owner": {"name": "harbour", "title": "The Harbour"},
    "places": [{"title": "Helsinki", "uri": HELSINKI}, {"title": "Elsewhere"}],
    "period": {"columns": ["opened_date", "seen_at"]},
}


def text(words, english):
    return {"text": words, "of": digest_of(english)}


FINNISH = {
    "made_by": "machine",
    "reviewed_by": None,
    "title": text("Paikat", "Places"),
    "description": text("Kaupungin paikkoja.", "Places of a town. For tests."),  # how it is wrapped does not count
    "fields": {
        "name": {"title": text("Nimi", "Name"), "description": text("Kutsumanimi.", "What people call it.")}
    },
}


def with_translations(folder, dataset=None, language="fi", **changes):
    """The dataset with what a translation file of it gives."""
    dataset = dataset or places.declaration(**COVERAGE)
    folder.mkdir(exist_ok=True)
    content = {"language": language, "datasets": {dataset.name: {**FINNISH, **changes}}}
    (folder / f"{language}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    return translated({dataset.name: dataset}, folder, {})[dataset.name]


def shown(tmp_path, dataset):
    """What a portal should show of a release of it."""
    home = Home(tmp_path / "home")
    return places.wanted(home, places.release(home, places.rows(), dataset=dataset), dataset=dataset)


# --- translations ------------------------------------------------------------------------------------


def test_a_translation_goes_out_everywhere_and_says_that_nobody_has_read_it(tmp_path):
    wanted = shown(tmp_path, with_translations(tmp_path / "t"))
    described = wanted.metadata["translations"]["fi"]
    assert (described["title"], described["madeBy"], described["reviewedBy"]) == ("Paikat", "machine", None)
    assert described["note"] == NOT_REVIEWED
    assert described["fields"] == {"name": {"title": "Nimi", "description": "Kutsumanimi."}}
    node = dcat.dataset_node(wanted, "")
    assert node["dct:title"] == [
        {"@value": "Places", "@language": "en"},
        {"@value": "Paikat", "@language": "fi-t-en-t0-und"},
    ]
    assert node["dct:description"][1]["@value"] == f"Kaupungin paikkoja. [{NOT_REVIEWED}]"
    page = dataset_page(wanted, Site())
    assert '<p lang="fi">Kaupungin paikkoja.</p>' in page
    assert "In Finnish (not reviewed)" in page
    assert NOT_REVIEWED in page
    extras = wanted_dataset(wanted, "https://ckan.example").extras
    assert json.loads(extras["translations"])["fi"]["note"] == NOT_REVIEWED


def test_a_reviewed_translation_says_who_stands_for_it(tmp_path):
    wanted = shown(tmp_path, with_translations(tmp_path / "t", reviewed_by="The Town's translators"))
    node = dcat.dataset_node(wanted, "")
    assert node["dct:title"][1] == {"@value": "Paikat", "@language": "fi"}
    assert node["dct:description"][1]["@value"] == "Kaupungin paikkoja."
    page = dataset_page(wanted, Site())
    assert "Reviewed by: The Town&#39;s translators." in page
    assert "not reviewed" not in page
    assert wanted.metadata["translations"]["fi"]["note"] == ""


def test_a_translation_of_words_that_have_changed_is_found_and_not_shown(tmp_path):
    dataset = places.declaration(**COVERAGE, title="Places and squares")
    one = with_translations(tmp_path / "t", dataset)
    (translation,) = one.translations
    assert (translation.title, translation.stale) == ("", ("title",))
    wanted = shown(tmp_path, one)
    assert "Paikat" not in json.dumps(wanted.metadata) + dataset_page(wanted, Site())
    assert "Kaupungin paikkoja." in dataset_page(wanted, Site())


def test_rows_and_warnings_are_said_in_the_pages_language_and_a_stale_one_in_english(tmp_path):
    warnings = ("Read the note first.", "Do not add.")
    dataset = places.declaration(**COVERAGE, usage_warnings=warnings)
    translated_ones = [text("Vanha varoitus.", "Words of old."), text("Älä laske yhteen.", "Do not add.")]
    row = text("paikka kaupungissa", dataset.entry.each_row_is_a)
    one = with_translations(tmp_path / "t", dataset, usage_warnings=translated_ones, each_row_is_a=row)
    assert one.translations[0].stale == ("usage_warnings.0",)
    page = dataset_page(shown(tmp_path, one), Site(), Language.FINNISH)
    assert "Yksi rivi on: paikka kaupungissa." in page
    assert "<li>Älä laske yhteen.</li>" in page
    assert '<li lang="en">Read the note first.</li>' in page


@pytest.mark.parametrize("name", load_catalogue(None, declarations()))
def test_all_that_an_entry_says_to_readers_is_said_in_finnish(name):
    dataset = load_catalogue(None, declarations())[name]
    finnish = next(one for one in dataset.translations if one.language == "fi")
    assert all((finnish.title, finnish.description, finnish.each_row_is_a))
    assert set(finnish.usage_warnings) == set(dataset.entry.usage_warnings)
    assert set(finnish.fields) == {field.name for field in dataset.table.fields}
    assert bool(finnish.counts) == bool(dataset.entry.disclosure)
    units = {field.unit for field in dataset.table.fields if field.unit}
    assert all(one in UNITS or not one.isalpha() or len(one) < 3 for one in units)


def test_a_translation_of_what_does_not_exist_names_file_and_key(tmp_path):
    content = {
        "language": "fi",
        "datasets": {"places": {"made_by": "machine", "fields": {"nowhere": {}}}, "gone": {"made_by": "machine"}},
    }
    (tmp_path / "fi.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(DeclarationError) as error:
        translated({"places": places.declaration()}, tmp_path, {})
    assert set(str(error.value).splitlines()) == {
        f"{tmp_path / 'fi.yaml'}: datasets.places.fields.nowhere: the dataset has no such column."
        " If it was renamed, write its new name here; if it went, take these lines out",
        f"{tmp_path / 'fi.yaml'}: datasets.gone: there is no such dataset",
    }


def test_nobody_made_it_is_no_answer(tmp_path):
    (tmp_path / "fi.yaml").write_text("language: fi\ndatasets: {places: {}}\n")
    with pytest.raises(DeclarationError, match="made_by"):
        translated({"places": places.declaration()}, tmp_path, {})


def test_another_translation_is_another_description_of_the_release(tmp_path):
    before = with_translations(tmp_path / "t")
    after = with_translations(tmp_path / "t", title=text("Paikkoja", "Places"))
    plain = dataclasses.replace(before, translations=())
    digests = [declaration_digest(one, {}) for one in (plain, before, after)]
    assert len(set(digests)) == 3


def test_a_column_taken_over_from_a_source_has_the_sources_title_in_finnish():
    sources = declarations()
    (finnish, *_) = load_catalogue(None, sources)["agile-pilots"].translations
    assert finnish.language == "fi"
    assert finnish.fields["theme_code"] == sources["agile_pilots"].table("pilots").field("theme_code").title_fi
    assert not finnish.is_reviewed


# --- where, when, whose ------------------------------------------------------------------------------


def test_a_release_says_where_when_and_whose(tmp_path):
    wanted = shown(tmp_path, places.declaration(**COVERAGE))
    days = [day for row in places.rows() for day in (row[7], row[8].date())]
    period = {"start": min(days).isoformat(), "end": max(days).isoformat()}
    assert wanted.metadata["temporal"] == period
    assert wanted.metadata["places"] == COVERAGE["places"]
    assert {"title": "The Harbour", "roles": ["owner"]} in wanted.metadata["contributors"]
    node = dcat.dataset_node(wanted, "")
    box, helsinki, elsewhere = node["dct:spatial"]
    assert "dcat:bbox" in box
    assert helsinki == {"@id": HELSINKI, "@type": "dct:Location", "skos:prefLabel": "Helsinki"}
    assert elsewhere == {"@type": "dct:Location", "skos:prefLabel": "Elsewhere"}
    assert node["dct:temporal"]["dcat:startDate"] == {"@value": period["start"], "@type": "xsd:date"}
    assert node["prov:qualifiedAttribution"]["prov:agent"]["foaf:name"] == "The Harbour"
    extras = wanted_dataset(wanted, "https://ckan.example").extras
    assert (extras["temporal_start"], extras["temporal_end"]) == (period["start"], period["end"])
    assert extras["spatial_text"] == "Kalasatama, Helsinki, Elsewhere"
    assert extras["owner_name"] == "The Harbour"
    page = dataset_page(wanted, Site())
    assert "Time covered" in page
    assert "The Harbour" in page
    assert HELSINKI in page


def test_a_dataset_without_an_owner_of_its_own_is_its_publishers(tmp_path):
    wanted = shown(tmp_path, places.declaration())
    assert {"title": "The Town", "roles": ["publisher", "owner"]} in wanted.metadata["contributors"]
    assert wanted_dataset(wanted, "https://ckan.example").extras["owner_name"] == "The Town"
    assert "prov:qualifiedAttribution" not in dcat.dataset_node(wanted, "")


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ({"columns": ["year"]}, ("2015-01-01", "2020-12-31")),
        ({"columns": ["year"], "end": "data_date"}, ("2015-01-01", "2026-02-01")),
        ({"columns": ["year", "day"]}, ("2014-05-06", "2020-12-31")),
        ({"columns": ["day"]}, ("2014-05-06", "2014-05-06")),
        ({"start": "2010-01-01", "end": "2012-12-31"}, ("2010-01-01", "2012-12-31")),
        ({"start": "data_date", "end": "data_date"}, ("2026-02-01", "2026-02-01")),
        ({"columns": ["nothing"]}, None),
    ],
)
def test_the_period_is_what_the_rows_say_or_what_is_said(period, expected):
    fields = [
        {"name": "year", "title": "Year", "type": "year"},
        {"name": "day", "title": "Day", "type": "date"},
        {"name": "nothing", "title": "Nothing", "type": "date"},
    ]
    table = places.declaration(fields=[*places.ENTRY["fields"], *fields]).table
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT * FROM (VALUES (2015::SMALLINT, NULL::DATE, NULL::DATE),"
            " (2020, DATE '2014-05-06', NULL)) v(year, day, nothing)"
        )
        found = period_of(connection, "t", table, parse(Period, period, "test"), places.DAY)
    assert (found and (found["start"], found["end"])) == expected


def test_a_withdrawn_first_day_is_not_left_in_the_period(tmp_path):
    home, dataset = Home(tmp_path), places.declaration(**(COVERAGE | {"period": {"columns": ["opened_date"]}}))
    rows = places.rows()
    release = places.release(home, rows, dataset=dataset)
    first = min(rows, key=lambda row: row[7])
    key = {"code": first[0], "number": str(first[1])}
    one = withdrawal("places", key, "opened_date", "a mistake", "2026-02-02T00:00:00Z")
    rewrite(home, release, dataset, {}, [one])
    described = json.loads((home.releases / "places" / release.version / "datapackage.json").read_text())
    assert described["temporal"]["start"] == sorted(row[7] for row in rows)[1].isoformat()
    assert first[7].isoformat() not in json.dumps(described)


def test_a_period_of_a_column_that_is_no_time_is_a_fault(tmp_path):
    from publish.catalogue import load_entry

    path = tmp_path / "places.yaml"
    path.write_text(yaml.safe_dump({**places.ENTRY, "publisher": "opendistrict", "period": {"columns": ["name"]}}))
    with pytest.raises(DeclarationError, match="period: name is no column of days"):
        load_entry(path, {})
