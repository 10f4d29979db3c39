"""The screen for personal data in text that is to be public.

Columns are classed by their declaration, but people write more into a description than belongs there: an address
to write to, a number to call, now and then a personal identity code. The screen sees such things by their form:

* e-mail addresses, also with ``(at)``, ``[at]`` or ``(a)`` for the sign, with spaces around it, in any script;
* phone numbers: international ones (``+358 40 …``, ``00358…``, ``+44 (0)20 …``), Finnish and British ones with
  their leading zero, and whatever digits follow "tel." or "puh."; spaces, dashes, dots, slashes and brackets may
  divide them. The switchboard of an organisation looks like anybody's number, so it is withheld too;
* Finnish personal identity codes with every century sign, Swedish and Estonian ones, all with their date and
  check digit or letter; British National Insurance numbers by their form and prefix.

**What it cannot see**: names of persons, street addresses, dates of birth, numbers written as words or with
letters stuck to them, numbers without a zero, a plus or a word such as "tel." before them, phone numbers inside a
web address, accounts on other services (``@name``), identity codes of other countries, text in pictures, and
whatever somebody means to hide from it. It is the last net, not a licence to write persons into public columns.

There is one implementation, an SQL expression: it runs over millions of rows inside DuckDB, whose regular
expressions take time in proportion to the text whatever the text holds.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePath

import duckdb

from warehouse.sql import literal

EMAIL = "e-mail address"
PHONE = "phone number"
IDENTITY = "personal identity code"
NAME_WITHHELD = "name-withheld-"  # begins the names of files that are called otherwise outside the house

# Other writings of the same characters, and characters that are not seen, as keyboards, web pages and office
# programs leave them. The underscore is a space: in names of files it stands for one.
_SPACES = (
    "_\t\n\r\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
_DIGITS = tuple("".join(chr(zero + n) for n in range(10)) for zero in (0xFF10, 0x0660, 0x06F0))
_FROM = _SPACES + _DASHES + "".join(_DIGITS) + "\uff20\ufe6b\uff0b\uff0e\uff08\uff09" + _UNSEEN
_TO = " " * len(_SPACES) + "-" * len(_DASHES) + "0123456789" * len(_DIGITS) + "@@+.()"

_WORDS = "puh|puhelin|puhelinnumero|tel|telephone|phone|gsm"
# Nothing is found in a text without one of these, and most texts are done with after this one look. In the order:
# a sign of an address, a character that is not seen, nine digits, a short number with its area, one after a word,
# and the form of a National Insurance number.
_D = f"[0-9{''.join(_DIGITS)}]"
_PREFILTER = "(?is)" + "|".join(
    (
        r"[@\x{ff20}\x{fe6b}]|%40|&#|&commat|[(\[{<] ?[aä]",
        f"[{_UNSEEN}]",
        f"{_D}(?:[^{_D[1:]}*{_D}){{8}}",
        f"[0{''.join(digits[0] for digits in _DIGITS)}]{_D}{{1,2}}[^0-9]{{1,4}}{_D}",
        f"(?:{_WORDS})[^a-z0-9]{{0,3}}{_D}",
        f"[a-z]{{2}}[^a-z]?{_D}{{2}}[^a-z]?{_D}{{2}}[^a-z]?{_D}{{2}}[^a-z]?[a-d]",
    )
)

_AT = r"(?: ?(?:@|%40|&#64;|&#x40;|&commat;) ?| ?[(\[{<] ?(?:at|a|ät) ?[)\]}>] ?)"
_DOT = r"(?:\.| ?[(\[{<] ?(?:dot|piste) ?[)\]}>] ?)"
_LABEL = r"[^ !-,./:-@\[-`{-~]+"  # of a host name, in any script: neither space nor punctuation but the hyphen
_EMAIL = rf"(?i)[^ @,;:<>()\[\]{{}}\"|]{_AT}(?:{_LABEL}{_DOT})+(?:xn--[a-z0-9-]+|[a-z\x{{80}}-\x{{10ffff}}]{{2,}})"

_UNIT = r"(?:[€£$%]|k€|m€|(?i:eur|euro|euroa|sek|gbp|usd|dkk|nok|milj|million|m2|m3|kwh|mwh|kg)\b)"
_ALONE = r"(?:^|[^0-9-]|[^0-9]-)"  # no piece of a longer number with dashes: the 2000 of 040-2000-00 is no year
# Numbers of other kinds, taken out before phone numbers are looked for.
_OTHER_NUMBERS = "|".join(
    (
        r"(?:https?://|www\.)[^ ]+",
        r"\b[0-9]{7}-[0-9]\b",  # Finnish business id; many begin with 0
        _ALONE + r"(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9](?:[T ][0-9]{1,2}:[0-9:.]+(?:[+-][0-9:]{4,6})?)?",
        r"\b[0-3]?[0-9]\. ?[01]?[0-9]\. ?(?:19|20)[0-9]{2}\b",
        r"\b[0-3]?[0-9]/[0-3]?[0-9]/(?:19|20)?[0-9]{2}\b",
        r"\b[0-3]?[0-9]-[0-3]?[0-9]-(?:19|20)[0-9]{2}\b",
        r"\b[0-3]?[0-9]\.[01]?[0-9]\.(?: ?- ?)",  # 1.3.-31.8.2016
        r"\b[01]?[0-9]/(?:19|20)[0-9]{2}\b",
        r"\b[01]?[0-9]\.(?:19|20)[0-9]{2} ?- ?[01]?[0-9]\.(?:19|20)[0-9]{2}\b",
        _ALONE + r"(?:19|20)[0-9]{2} ?[-/] ?(?:(?:19|20)[0-9]{2}|[0-9]{2})\b",
        r"\b[0-2]?[0-9][.:][0-5][0-9] ?- ?[0-2]?[0-9][.:][0-5][0-9]\b",  # 09.30-16.00
        r"(?:^|[^0-9.])(?:0|[1-9][0-9]{0,2})\.[0-9]{4,}\b",  # decimals, coordinates
        rf"(?:^|[^0-9 .\-]) *\+?[1-9][0-9]{{0,2}}(?:[ .,][0-9]{{3}})+(?:[.,][0-9]{{1,2}})? ?{_UNIT}",
        r"\b0[0-9]{4}(?:[ /-]{1,3}0[0-9]{4})+\b",  # postcodes of Vantaa and Espoo side by side
        r"\b[0-9]{5}(?: [0-9]{5}){2,}\b",  # industry codes
        r"\b(?:GB|FI|SE|EE|DK|DE)[ -]?[0-9]{3}[ -]?[0-9]{4,5}[ -]?[0-9]{0,4}\b",  # VAT numbers
        r"\b[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?\b",  # IBAN
        r"\b97[89][- ]?[0-9](?:[- ]?[0-9]){8,9}\b",  # ISBN
        r"\b[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9Xx]\b",  # ORCID
    )
)
# What may stand before a phone number: no letter, no digit, and no digit with a dot, dash, slash, comma or colon.
_BEFORE = r"(?:^[-./,:]?|[^0-9][-./,:]|[^0-9A-Za-z\-./,:+])"
_SEPARATOR = r"[ ./()\-]{0,3}"
_COUNTRIES = "358|44|46|47|45|372|353|49|33|31|32|34|39|41|43|48"
_PHONE = "|".join(
    (
        rf"{_BEFORE}\(?\+ ?\(?[1-9](?:{_SEPARATOR}[0-9]){{7,14}}\b",
        # After the country no zero: 00440 and 00330 are postcodes of Helsinki.
        rf"{_BEFORE}00(?:{_COUNTRIES})(?:{_SEPARATOR}| ?\(0\) ?)[1-9](?:{_SEPARATOR}[0-9]){{5,11}}\b",
        rf"{_BEFORE}\(?0[1-9](?:{_SEPARATOR}[0-9]){{7,10}}\b",
        rf"{_BEFORE}\(?0[235689]\)?[ /\-]{{1,3}}[0-9]{{3}} ?[0-9]{{3}}\b",
        rf"{_BEFORE}\(?0(?:1[3-9]|4[0-9]|50)\)?[ /\-]{{1,3}}[0-9]{{2,3}} ?[0-9]{{3}}\b",
        rf"{_BEFORE}358 ?(?:4[0-9]|50)(?:[ \-]?[0-9]){{5,8}}\b",
        rf"{_BEFORE}44 ?7[0-9]{{3}}(?:[ \-]?[0-9]){{6}}\b",
        rf"(?i:\b(?:{_WORDS})\b)[.: ]{{0,3}}[0-9](?:{_SEPARATOR}[0-9]){{5,14}}\b",
    )
)

_FINNISH = r"\b[0-3][0-9][01][0-9]{3} ?[-+A-FU-Ya-fu-y] ?[0-9]{3}[0-9A-Ya-y]\b"
_FINNISH_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_SWEDISH = r"\b(?:(?:18|19|20)?[0-9]{2}[01][0-9][0-3][0-9][-+][0-9]{4}|(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]{5})\b"
_ESTONIAN = r"\b[1-8][0-9]{2}[01][0-9][0-3][0-9][0-9]{4}\b"
_BRITISH = (
    r"\b(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]"
    r"|[a-ceghj-pr-tw-z][a-ceghj-npr-tw-z][0-9]{6}[a-d])\b"
)
_NO_PREFIX = ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")  # never given out


@lru_cache(maxsize=1000)  # a night asks for a name of a file several times, and an answer costs 25 ms of processor
def find_personal(text: str) -> tuple[str, ...]:
    """The kinds of personal data that a text holds (see this module's docstring); never the data themselves."""
    # As a literal: given a parameter, DuckDB imports pandas (see ``warehouse.database.fetch``).
    given = literal(text.replace("\0", " "))  # a statement ends at a zero
    with duckdb.connect(":memory:") as connection:
        row = connection.execute(f"SELECT {personal_sql('text')} FROM (SELECT {given} AS text)").fetchone()
    return tuple(row[0].split(", ")) if row and row[0] else ()


def without_personal(text: str) -> str:
    """A text for reports and logs; one that holds personal data gives way to a word about it."""
    kinds = find_personal(text)
    return f"(withheld: it would repeat personal data, {' and '.join(kinds)})" if kinds else text


def harmless_name(name: str, number: int) -> str:
    """A file's name as the house may call it: a stand-in with number and ending where it holds personal data."""
    if not find_personal(name):
        return name
    ending = PurePath(name).suffix
    return f"{NAME_WITHHELD}{number}{'' if find_personal(ending) else ending}"


def personal_sql(expression: str) -> str:
    """The SQL expression that screens a text: its kinds of personal data with commas between, or NULL.

    Args:
        expression: a VARCHAR in SQL, such as a quoted column.
    """
    # Repeated rather than bound to a name by a lambda: DuckDB compiles a lambda's regular expressions anew for
    # every two thousand rows, which took eight times as long as everything else.
    plain = f"translate({expression}, {literal(_FROM)}, {literal(_TO)})"
    numbers = f"regexp_replace({plain}, {literal(_OTHER_NUMBERS)}, '#', 'g')"
    found = ", ".join(
        f"CASE WHEN {condition} THEN '{kind}' END"
        for kind, condition in (
            (EMAIL, f"regexp_matches({plain}, {literal(_EMAIL)})"),
            (PHONE, f"regexp_matches({numbers}, {literal(_PHONE)})"),
            (IDENTITY, " OR ".join(code(plain) for code in (_finnish, _swedish, _estonian, _british))),
        )
    )
    kinds = f"nullif(concat_ws(', ', {found}), '')"
    return f"CASE WHEN regexp_matches({expression}, {literal(_PREFILTER)}) THEN {kinds} END"


def _any(text: str, pattern: str, is_valid: str) -> str:
    """SQL: one of the pieces of a text that fit the pattern is valid; ``c`` in the condition is the piece."""
    pieces = f"list_filter(regexp_extract_all({text}, {literal(pattern)}), lambda c: {is_valid})"
    return f"CASE WHEN regexp_matches({text}, {literal(pattern)}) THEN len({pieces}) > 0 ELSE false END"


def _digits(start: int, length: int) -> str:
    return f"CAST(substr(d, {start}, {length}) AS BIGINT)"


def _named(expression: str, condition: str) -> str:
    """SQL: the condition about ``d``, the expression's value."""
    return f"list_transform([{expression}], lambda d: {condition})[1]"


def _is_date(month: int) -> str:
    """SQL: there is such a month at the place, and such a day two places after."""
    return f"({_digits(month, 2)} BETWEEN 1 AND 12 AND {_digits(month + 2, 2)} BETWEEN 1 AND 31)"


def _finnish(text: str) -> str:
    check = f"substr('{_FINNISH_LETTERS}', CAST(concat(substr(d, 1, 6), substr(d, 8, 3)) AS BIGINT) % 31 + 1, 1)"
    valid = f"{_digits(1, 2)} BETWEEN 1 AND 31 AND {_digits(3, 2)} BETWEEN 1 AND 12 AND {check} = substr(d, 11, 1)"
    return _any(text, _FINNISH, _named("upper(replace(c, ' ', ''))", valid))


def _swedish(text: str) -> str:
    # the last ten digits, every other one doubled, cross sum: Luhn
    doubled = (f"(2 * {_digits(place, 1)}) // 10 + (2 * {_digits(place, 1)}) % 10" for place in range(1, 11, 2))
    single = (_digits(place, 1) for place in range(2, 11, 2))
    valid = f"{_is_date(3)} AND ({' + '.join((*doubled, *single))}) % 10 = 0"
    return _any(text, _SWEDISH, _named("right(translate(c, '-+', ''), 10)", valid))


def _estonian(text: str) -> str:
    def total(weights: str) -> str:
        parts = " + ".join(f"{weight} * {_digits(place, 1)}" for place, weight in enumerate(weights, start=1))
        return f"({parts}) % 11"

    first, second = total("1234567891"), total("3456789123")
    check = f"CASE WHEN {first} < 10 THEN {first} WHEN {second} < 10 THEN {second} ELSE 0 END"
    return _any(text, _ESTONIAN, _named("c", f"{_is_date(4)} AND {check} = {_digits(11, 1)}"))


def _british(text: str) -> str:
    prefixes = ", ".join(literal(prefix) for prefix in _NO_PREFIX)
    return _any(text, _BRITISH, f"upper(left(c, 2)) NOT IN ({prefixes})")
