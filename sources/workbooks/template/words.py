"""A template's texts in English and in Finnish, and a declaration's in the language that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from warehouse.declarations import FieldDeclaration, SourceDeclaration, TableDeclaration
from warehouse.reference import Code
from warehouse.sheets.templates import CODES_MARKS, INSTRUCTIONS_MARKS

Language = Literal["en", "fi"]


@dataclass(frozen=True)
class Words:
    """What a template says in one language; in braces what is put in."""

    language: Language
    instructions_sheet: str
    codes_sheet: str
    instructions_mark: str
    codes_mark: str
    steps: tuple[str, ...]
    how: str
    sheets: str
    columns_of: str
    columns: tuple[str, str, str, str]
    each_row: str
    codes: tuple[str, str, str, str]
    required: str
    never_published: str
    not_published: str
    unit: str
    choose: str
    yes_or_no: tuple[str, str]
    between: str
    at_least: str
    at_most: str
    longest: str
    whole_number: str
    number: str
    day: str
    moment: str
    year: str
    wrong: str
    unreviewed: str = ""


ENGLISH = Words(
    language="en",
    instructions_sheet="Instructions",
    codes_sheet="Codes",
    instructions_mark=INSTRUCTIONS_MARKS[0],
    codes_mark=CODES_MARKS[0],
    steps=(
        "Fill in a row for each thing, below the header. Keep the headers as they are; the order of columns and"
        " rows does not matter. What a column means stands in the note on its header.",
        "A dark header means that the column has to be filled in. A grey one, marked 'never published', is for"
        " your own use: nobody outside sees it. Keep names and addresses of persons out of all other columns.",
        "Where a cell has a drop-down, choose from it; the sheet Codes says what each choice means.",
        "Leave empty what is not known. Zero means none, not unknown.",
        "Write days as 2026-03-31, or as your program shows a date. Write numbers without units.",
        "Keep the id of a row for ever: by it the row is known again when you hand the workbook in next time.",
        "Save the workbook as .xlsx and put it into the folder inbox/{source}, or send it to whoever asked you for"
        " it. If something is to be mended, it comes back with the cells marked, in outbox/{source}.",
    ),
    how="How to go about it",
    sheets="The sheets",
    columns_of="Columns of the sheet {title}",
    columns=("Column", "", "What it is", "How to write it"),
    each_row="One row for each: {what}.",
    codes=("List", "Write", "Code", "Meaning"),
    required="required",
    never_published="never published",
    not_published="not published",
    unit="In {unit}.",
    choose="Choose from the list.",
    yes_or_no=("yes", "no"),
    between="From {low} to {high}.",
    at_least="{low} or more.",
    at_most="{high} or less.",
    longest="At most {longest} characters.",
    whole_number="A whole number.",
    number="A number.",
    day="A day, such as 2026-03-31.",
    moment="A day and an hour, such as 2026-03-31 14:30.",
    year="A year with four digits.",
    wrong="This does not fit",
)

FINNISH = Words(
    language="fi",
    instructions_sheet="Ohjeet",
    codes_sheet="Koodit",
    instructions_mark=INSTRUCTIONS_MARKS[1],
    codes_mark=CODES_MARKS[1],
    steps=(
        "Täytä jokaiselle asialle oma rivi otsikkorivin alle. Säilytä otsikot ennallaan; sarakkeiden ja rivien"
        " järjestyksellä ei ole väliä. Sarakkeen merkitys kerrotaan otsikon huomautuksessa.",
        "Tumma otsikko tarkoittaa, että sarake on täytettävä. Harmaa otsikko, jossa lukee 'ei julkaista koskaan',"
        " on omaan käyttöösi: kukaan ulkopuolinen ei näe sitä. Älä kirjoita henkilöiden nimiä tai osoitteita"
        " muihin sarakkeisiin.",
        "Jos solussa on pudotusvalikko, valitse siitä; taulukko Koodit kertoo, mitä vaihtoehdot tarkoittavat.",
        "Jätä tyhjäksi se, mitä ei tiedetä. Nolla tarkoittaa, ettei ole yhtään, ei sitä, ettei tiedetä.",
        "Kirjoita päivät muodossa 31.3.2026 tai 2026-03-31. Kirjoita luvut ilman yksikköä.",
        "Pidä rivin tunnus aina samana: siitä rivi tunnetaan, kun työkirja toimitetaan seuraavan kerran.",
        "Tallenna työkirja .xlsx-muodossa ja vie se kansioon inbox/{source} tai lähetä se sille, joka pyysi sitä."
        " Jos jotain on korjattava, työkirja palautuu kansioon outbox/{source} solut merkittyinä.",
    ),
    how="Näin toimit",
    sheets="Taulukot",
    columns_of="Taulukon {title} sarakkeet",
    columns=("Sarake", "", "Mikä se on", "Miten se kirjoitetaan"),
    each_row="",  # the description says it: what a row is stands in English alone
    codes=("Luettelo", "Kirjoita", "Koodi", "Merkitys"),
    required="pakollinen",
    never_published="ei julkaista koskaan",
    not_published="ei julkaista",
    unit="Yksikkö: {unit}.",
    choose="Valitse luettelosta.",
    yes_or_no=("kyllä", "ei"),
    between="Vähintään {low} ja enintään {high}.",
    at_least="Vähintään {low}.",
    at_most="Enintään {high}.",
    longest="Enintään {longest} merkkiä.",
    whole_number="Kokonaisluku.",
    number="Luku.",
    day="Päivä, esimerkiksi 31.3.2026.",
    moment="Päivä ja kellonaika, esimerkiksi 2026-03-31 14:30.",
    year="Vuosi neljällä numerolla.",
    wrong="Arvo ei sovi tähän",
    unreviewed="Tämän työkirjan suomenkieliset tekstit ovat konekäännöksiä, joita kukaan ei ole tarkistanut.",
)

LANGUAGES: Mapping[Language, Words] = {"en": ENGLISH, "fi": FINNISH}


def _in(words: Words, english: str, finnish: str) -> str:
    return finnish if words.language == "fi" and finnish else english


def title_of(thing: SourceDeclaration | TableDeclaration | FieldDeclaration | Code, words: Words) -> str:
    """What a thing is called; in English where it has no name in the language."""
    return _in(words, thing.title, thing.title_fi)


def description_of(thing: SourceDeclaration | TableDeclaration | FieldDeclaration | Code, words: Words) -> str:
    """What a thing is; in English where nothing is said in the language."""
    return _in(words, thing.description, thing.description_fi)


def help_of(field: FieldDeclaration, words: Words) -> str:
    """How a column is written; in English where nothing is said in the language."""
    return _in(words, field.help, field.help_fi)


def is_unreviewed(declaration: SourceDeclaration, words: Words) -> bool:
    """Whether nobody who knows the language stands for the template's texts."""
    return words.language != "en" and not (declaration.finnish and declaration.finnish.is_reviewed)
