"""What a company's record says, as SQL: the one place that knows, for pages and for the file of everything.

Every scalar is read as text, so that no value is lost on the way: ``"type": 1`` and ``"type": "1"`` are the same,
and a date that is none is a finding at its cell. Three things are "empty": a key that is not there, null and "".

The form is that of the publisher's OpenAPI document (version 3 of the API), the rest was seen on a page of
Tampere's companies of October 2024: names and forms stand in no order, two of the hundred companies had ceased
though their ``status`` was that of all others, and a company may have ended names only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from warehouse.declarations import quote

_TEXT = "VARCHAR"
_SPAN = {"registrationDate": _TEXT, "endDate": _TEXT, "version": _TEXT}  # not all have all

SHAPE: Mapping[str, object] = {
    "businessId": {"value": _TEXT, "registrationDate": _TEXT},
    "names": [{"name": _TEXT, "type": _TEXT, **_SPAN}],
    "mainBusinessLine": {
        "type": _TEXT,
        "typeCodeSet": _TEXT,
        "registrationDate": _TEXT,
        "descriptions": [{"languageCode": _TEXT, "description": _TEXT}],
    },
    "website": {"url": _TEXT},
    "companyForms": [{"type": _TEXT, **_SPAN}],
    "companySituations": [{"type": _TEXT, **_SPAN}],
    "registeredEntries": [{"register": _TEXT, "type": _TEXT, **_SPAN}],
    "addresses": [
        {
            "type": _TEXT,
            "street": _TEXT,
            "buildingNumber": _TEXT,
            "entrance": _TEXT,
            "apartmentNumber": _TEXT,
            "apartmentIdSuffix": _TEXT,
            "postCode": _TEXT,
            "postOffices": [{"city": _TEXT, "languageCode": _TEXT, "municipalityCode": _TEXT}],
            "co": _TEXT,
            "freeAddressLine": _TEXT,
        }
    ],
    "tradeRegisterStatus": _TEXT,
    "registrationDate": _TEXT,
    "endDate": _TEXT,
    "lastModified": _TEXT,
}
"""The keys of a record that are read, with the types in which they are read."""


def duckdb_type(shape: object) -> str:
    """A shape as DuckDB's type."""
    if isinstance(shape, list):
        return f"{duckdb_type(shape[0])}[]"
    if isinstance(shape, Mapping):
        return f"STRUCT({', '.join(f'{quote(name)} {duckdb_type(inner)}' for name, inner in shape.items())})"
    return str(shape)


_MACROS = """
CREATE MACRO given(t) AS nullif(trim(t), '');
CREATE MACRO day(t) AS
    CASE WHEN regexp_full_match(trim(t), '[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN TRY_CAST(trim(t) AS DATE) END;
-- in 2024 "2024-06-17 12:12:45", since 2026 "2026-08-19T10:04:06"; both the time of Helsinki, without saying so
CREATE MACRO moment(t) AS
    CASE WHEN regexp_full_match(trim(t), '[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?')
    THEN TRY_CAST(replace(trim(t), 'T', ' ') AS TIMESTAMP) END;
-- an end that is yet to come is none so far; one that cannot be read is one
CREATE MACRO is_open(ended) AS given(ended) IS NULL OR coalesce(day(ended) > the_day(), false);
CREATE MACRO unended(things) AS list_filter(things, lambda e: is_open(e.endDate));
-- what has no end, its current version, the newest; where all have ended, what ended last
CREATE MACRO current(things) AS list_sort(list_transform(things, lambda e: {
    'place': (
        is_open(e.endDate), coalesce(given(e.endDate), ''), coalesce(e.version = '1', false),
        coalesce(given(e.registrationDate), '')
    ),
    'thing': e
}), 'DESC')[1].thing;
-- 1 is Finnish, 2 Swedish, 3 English, in any order
CREATE MACRO in_words(descriptions, language) AS
    given(list_filter(descriptions, lambda e: e.languageCode = language)[1].description);
CREATE MACRO in_finnish(offices) AS coalesce(list_filter(offices, lambda e: e.languageCode = '1')[1], offices[1]);
"""


def macros(day: date) -> str:
    """The macros of DuckDB by which the rest is said of data of a day."""
    return f"CREATE MACRO the_day() AS DATE '{day.isoformat()}';{_MACROS}"


# Of an address: what belongs to its house, and what to a home in it.
_STREET = "nullif(concat_ws(' ', given({0}.street), given({0}.buildingNumber)), '')"
_HOME = "nullif(concat_ws(' ', given({0}.entrance), given({0}.apartmentNumber), given({0}.apartmentIdSuffix)), '')"

_DATES: Mapping[str, str] = {
    "business_id_date": "businessId.registrationDate",
    "registration_date": "registrationDate",
    "company_form_date": "form.registrationDate",
    "industry_date": "mainBusinessLine.registrationDate",
    "situation_date": "situation.registrationDate",
    "ceased_date": "coalesce(given(endDate), ceasing.registrationDate)",
}

_COLUMNS: Mapping[str, str] = {
    "business_id": "given(businessId.value)",
    "company_name": "given(main_name.name)",
    "company_form_code": "given(form.type)",
    "industry_code": "given(mainBusinessLine.type)",
    "industry_scheme_code": "given(mainBusinessLine.typeCodeSet)",
    "industry_title": "in_words(mainBusinessLine.descriptions, '3')",
    "industry_title_fi": "in_words(mainBusinessLine.descriptions, '1')",
    "trade_register_code": "given(tradeRegisterStatus)",
    "situation_code": "given(situation.type)",
    # Restructuring is no end. What the tax authority writes (status, register 4) says nothing of it.
    "is_active": (
        "is_open(endDate) AND ceasing IS NULL AND coalesce(given(tradeRegisterStatus), '') <> '4'"
        " AND coalesce(situation.type, '') NOT IN ('KONK', 'SELTILA')"
    ),
    # 41 and 42: pays wages regularly, or will.
    "is_employer": "len(list_filter(entries, lambda e: e.register = '7' AND e.type IN ('41', '42'))) > 0",
    "postcode": "given(place.postCode)",
    "municipality_code": "given(in_finnish(place.postOffices).municipalityCode)",
    "post_town": "given(in_finnish(place.postOffices).city)",
    "is_postal_address": "place IS NOT NULL AND given(visiting.postCode) IS NULL",
    "postal_postcode": "given(postal.postCode)",
    "street": _STREET.format("place"),
    "apartment": _HOME.format("place"),
    "care_of": "given(place.co)",
    "free_address": "given(place.freeAddressLine)",
    "website_url": "given(website.url)",
    "last_modified_time": "moment(lastModified)",
    **{name: f"day({text})" for name, text in _DATES.items()},
}
"""The columns of ``companies``, made of a record and its parts."""

_HUMAN_TEXTS = ("company_name", "post_town", "street", "apartment", "care_of", "free_address", "website_url")


def typed(records: str, unseen: str) -> str:
    """The SELECT of companies made of records.

    Besides the columns of ``companies``, ``_file`` and ``_row`` it gives ``_names``, the company's names as a list
    in the order in which they were registered; ``_unread``, the cells that cannot be read; and ``_may_hide``,
    whether a text of it holds characters that nobody sees.

    Args:
        records: a SELECT of the columns of ``SHAPE``, ``_file`` and ``_row``.
        unseen: the regular expression of such characters.
    """
    columns = ", ".join(f"{sql} AS {quote(name)}" for name, sql in _COLUMNS.items())
    texts = {**_DATES, "last_modified_time": "lastModified"}
    unread = ", ".join(
        f"{{'column': '{name}', 'value': CASE WHEN {quote(name)} IS NULL THEN given({text}) END}}"
        for name, text in texts.items()
    )
    human = ", ".join(quote(name) for name in _HUMAN_TEXTS)
    return f"""
    WITH parts AS (
        SELECT
            *,
            list_filter(names, lambda e: given(e.name) IS NOT NULL) AS given_names,
            current(list_filter(names, lambda e: e.type = '1' AND given(e.name) IS NOT NULL)) AS main_name,
            current(companyForms) AS form,
            unended(registeredEntries) AS entries,
            current(list_filter(
                unended(registeredEntries), lambda e: e.register = '1' AND e.type = '4'
            )) AS ceasing,
            -- bankruptcy before liquidation before restructuring
            list_sort(list_transform(unended(companySituations), lambda e: {{
                'place': (coalesce(list_position(['SANE', 'SELTILA', 'KONK'], e.type), 0),
                          coalesce(given(e.registrationDate), '')),
                'thing': e
            }}), 'DESC')[1].thing AS situation,
            list_filter(addresses, lambda e: e.type = '1')[1] AS visiting,
            list_filter(addresses, lambda e: e.type = '2')[1] AS postal
        FROM ({records})
    ),
    placed AS (
        SELECT
            *,
            CASE WHEN given(visiting.postCode) IS NOT NULL THEN visiting
                 WHEN given(postal.postCode) IS NOT NULL THEN postal ELSE coalesce(visiting, postal) END AS place
        FROM parts
    ),
    made AS (SELECT *, {columns} FROM placed)
    SELECT
        {", ".join(quote(name) for name in _COLUMNS)},
        list_transform(list_sort(list_transform(given_names, lambda e: {{
            'place': (coalesce(given(e.registrationDate), ''), coalesce(e.type, ''), e.name), 'name': e
        }})), lambda e: e.name) AS _names,
        list_filter([{unread}], lambda e: e.value IS NOT NULL) AS _unread,
        regexp_matches(
            concat_ws(' ', {human}, array_to_string(list_transform(given_names, lambda e: e.name), ' ')),
            '{unseen}'
        ) AS _may_hide,
        _file,
        _row
    FROM made
    """


def names(companies: str) -> str:
    """The SELECT of names made of companies: all a company has and had, numbered in the order of registration.

    Args:
        companies: what gives the rows of ``typed``, as a table function.
    """
    return f"""
    SELECT
        business_id,
        _place AS name_number,
        trim(_name.name) AS registered_name,
        given(_name.type) AS name_type_code,
        day(_name.registrationDate) AS name_start_date,
        day(_name.endDate) AS name_end_date,
        is_open(_name.endDate) AS is_current,
        list_filter([
            {{'column': 'name_start_date',
              'value': CASE WHEN name_start_date IS NULL THEN given(_name.registrationDate) END}},
            {{'column': 'name_end_date',
              'value': CASE WHEN name_end_date IS NULL THEN given(_name.endDate) END}}
        ], lambda e: e.value IS NOT NULL) AS _unread,
        _file,
        _row
    FROM (
        SELECT business_id, _file, _row, unnest(_names) AS _name, generate_subscripts(_names, 1) AS _place
        FROM {companies}
    )
    """
