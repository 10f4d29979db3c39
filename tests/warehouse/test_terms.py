"""Publishers, contacts and licences: declared once, named by slug and id."""

import pytest

from warehouse import reference
from warehouse.declarations import CatalogueEntry, Contact, DeclarationError, SourceDeclaration, parse

SOURCE = {
    "name": "somewhere",
    "title": "Somewhere",
    "publisher": "companies-house",
    "licence": "OGL-UK-3.0",
    "attribution": "Somewhere",
    "cadence": "daily",
    "tables": [],
}
ENTRY = {
    "name": "things",
    "title": "Things",
    "description": "Things.",
    "each_row_is_a": "thing",
    "publisher": "opendistrict",
    "licence": "CC-BY-4.0",
    "attribution": "Us",
    "keywords": [],
    "theme": "TECH",
    "frequency": "DAILY",
    "primaryKey": ["id"],
    "fields": [],
}


def test_a_source_names_its_publisher_and_licence():
    source = parse(SourceDeclaration, SOURCE, "here")
    assert source.publisher == reference.publishers()["companies-house"]
    assert source.licence.url == "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"


def test_an_entry_has_its_publishers_contact_unless_it_names_one():
    entry = parse(CatalogueEntry, ENTRY, "here")
    assert entry.contact == entry.publisher.contact == reference.publishers()["opendistrict"].contact
    other = {"name": "Another desk", "email": "desk@example.org"}
    assert parse(CatalogueEntry, ENTRY | {"contact": other}, "here").contact == Contact(**other)


@pytest.mark.parametrize(("key", "known"), [("publisher", "companies-house"), ("licence", "CC-BY-4.0")])
@pytest.mark.parametrize(("model", "content"), [(SourceDeclaration, SOURCE), (CatalogueEntry, ENTRY)])
def test_an_unknown_reference_lists_those_known(model, content, key, known):
    with pytest.raises(DeclarationError, match=rf"here: 1 fault\(s\)\n  {key}: .*has no nonesuch, only .*{known}"):
        parse(model, content | {key: "nonesuch"}, "here")


def test_a_publisher_without_a_contact_leaves_it_to_the_entry():
    with pytest.raises(DeclarationError, match=r"contact: .*its publisher has no contact"):
        parse(CatalogueEntry, ENTRY | {"publisher": "companies-house"}, "here")


def test_every_licence_and_publisher_can_be_read():
    assert all(licence.url.startswith("https://") for licence in reference.licences().values())
    assert {"companies-house", "opendistrict"} <= set(reference.publishers())
