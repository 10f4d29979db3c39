"""Names of those who got money: an organisation's or a person's."""

import pytest

from warehouse.organisation_names import is_organisation, may_be_person


@pytest.mark.parametrize(
    "name",
    ["LAPWALL OY", "Oy M-Filter Ab", "Oulun yliopisto", "Helsingin kaupunki", "Kainuun liitto", "Example r.y.",
     "Kiteen Evankelinen Kansanopisto", "Åbo Akademi", "Optima samkommun", "STENBERG HELLSTEN KY", "Lapin säätiö"],
)  # fmt: skip
def test_what_says_so_is_an_organisation(name):
    assert is_organisation(name)
    assert not may_be_person(name)


@pytest.mark.parametrize(
    "name", ["JALKAPUU TMI", "DOE, JANE", "Jane Doe", "VOLTER OYJANE DOE", "PAJA OY C/O JANE DOE", "Toyota", ""]
)
def test_what_may_be_a_person_is_not_surely_an_organisation(name):
    assert not is_organisation(name)


@pytest.mark.parametrize(
    "name", ["Mr J Doe", "Mrs. Jane Doe", "Doe, Jane", "Jane Doe t/a Doe Bakes", "c/o Jane Doe"]
)
def test_signs_of_a_person(name):
    assert may_be_person(name)


@pytest.mark.parametrize(
    "name", ["Dr Challoner's Grammar School", "Example Ltd t/a Bakes", "Mrs Smith's Cottage Trust", "Gingerbread"]
)
def test_an_organisation_with_such_a_sign_is_none(name):
    assert not may_be_person(name)
