"""Names in the form in which they are compared, as SQL: five million names never pass through Python.

What is done follows what the law calls "the same name" for companies in the United Kingdom (SI 2015/17, schedule
3, https://www.legislation.gov.uk/uksi/2015/17/schedule/3): case, accents, punctuation, THE in front, ``&`` for AND
and the kind of company do not count. No two companies that stand on the register at a time may be the same in that
sense, save a few with permission, so an equal name is strong evidence there. What the schedule leaves out besides
(UK, .COM) counts here: companies registered under earlier law differ by it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from warehouse.sql import literal

# Kinds of companies that the library does not have, or not in full: the two registers' own words.
_KINDS = {
    "limited": "ltd",
    "cyfyngedig": "ltd",
    "cyf": "ltd",
    "public limited company": "plc",
    "ccc": "plc",
    "limited liability partnership": "llp",
    "limited partnership": "lp",
    "community interest company": "cic",
    "charitable incorporated organisation": "cio",
    "osakeyhtio": "oy",
    "oy ab": "oy",
    "ab oy": "oy",
    "ab": "oy",
    "oy ltd": "oy",
    "julkinen osakeyhtio": "oyj",
    "osuuskunta": "osk",
    "osk": "osk",
    "kommandiittiyhtio": "ky",
    "avoin yhtio": "ay",
    "rekisteroity yhdistys": "ry",
    "ry": "ry",
}
_COUNTRIES = ("United Kingdom", "Finland")
_ABROAD = 3  # letters that a foreign kind must have: "as", "sa" and the like end too many names
_WORDS_TOO = frozenset(
    {"spa", "coop", "scoop", "ent", "etat", "fop", "vat", "dat", "private", "company", "and company"}
)


def _plain(text: str) -> str:
    """A kind of company as ``normal_sql`` leaves it."""
    letters = (one for one in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(one))
    return re.sub("[^a-z0-9]+", " ", re.sub("[.'´`’]", "", "".join(letters))).strip()


@cache
def kinds() -> dict[str, str]:
    """By what a kind of company is called at the end of a name: the short form that stands for it."""
    from cleanco import termdata  # a list of words, but not for commands that only look

    own = {_plain(term) for country in _COUNTRIES for term in termdata.terms_by_country[country]}
    abroad = {_plain(term) for terms in termdata.terms_by_country.values() for term in terms}
    long = {term for term in abroad if len(term) >= _ABROAD} - _WORDS_TOO
    return {term: _KINDS.get(term, term) for term in sorted({*own, *long, *_KINDS}) if term and term != "ok"}


def normal_sql(column: str) -> str:
    """SQL of a name in small letters without accents and punctuation, words apart by one space."""
    small = f"lower(strip_accents({column}))"
    joined = f"replace(replace({small}, '&', ' and '), '+', ' and ')"
    # dots and apostrophes join what they stand between: U.K., SMITH'S; all else takes words apart
    closed = f"translate({joined}, '.''’`´‘\"', '')"
    ascii_only = f"regexp_replace({closed}, '[^a-z0-9]+', ' ', 'g')"
    any_script = (
        f"regexp_replace(translate(replace(replace({closed}, 'ß', 'ss'), 'æ', 'ae'), 'øłđ', 'old'),"
        " '[^\\pL\\pN]+', ' ', 'g')"
    )
    tidied = f"trim(CASE WHEN strlen({column}) = length({column}) THEN {ascii_only} ELSE {any_script} END)"
    # most names have nothing but letters and single spaces: to see that costs a tenth of making it so
    return f"CASE WHEN regexp_full_match({small}, '[a-z0-9]+( [a-z0-9]+)*') THEN {small} ELSE {tidied} END"


def base_sql(normal: str) -> str:
    """SQL of a normal name without its kind of company and THE in front: what is compared.

    A name that is nothing but a kind stays what it is.
    """
    # Nine of ten names end with one of two words, and a regular expression costs ten times what this does.
    words = "|".join(sorted(kinds(), key=len, reverse=True))
    rest = f"regexp_replace({normal}, {literal(f'( ({words}))+$')}, '')"
    without_kind = (
        f"CASE WHEN ends_with({normal}, ' oy ltd') THEN left({normal}, -7)"
        f" WHEN ends_with({normal}, ' limited') THEN left({normal}, -8)"
        f" WHEN ends_with({normal}, ' ltd') THEN left({normal}, -4) ELSE {rest} END"
    )
    cut = "".join(
        f" WHEN starts_with({without_kind}, {literal(word)}) AND length({without_kind}) > {len(word)}"
        f" THEN substr({without_kind}, {len(word) + 1})"
        for word in ("the ", "oy ", "ab ")
    )
    return f"CASE{cut} ELSE {without_kind} END"


def kind_sql(normal: str) -> str:
    """SQL of a normal name's kind of company in its short form; NULL where it says none."""
    words = "|".join(sorted(kinds(), key=len, reverse=True))
    found = f"regexp_extract({normal}, {literal(f' ({words})$')}, 1)"
    cases = " ".join(
        f"WHEN {literal(word)} THEN {literal(short)}" for word, short in kinds().items() if word != short
    )
    return (
        f"CASE {found} WHEN '' THEN CASE WHEN starts_with({normal}, 'oy ') THEN 'oy' END {cases} ELSE {found} END"
    )


def squashed_sql(base: str) -> str:
    """SQL of a name without spaces and AND: what is equal in it differs by the way of writing only."""
    return f"replace(replace(' ' || {base} || ' ', ' and ', ' '), ' ', '')"
