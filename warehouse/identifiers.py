"""Identifiers: an entry a kind, with its one canonical form, whatever form people write it in, and its rule.

A form that can be one identifier only is that identifier. Whether its check digit is right is another question,
which the rule on the column answers (``checks.rules``).

An org-id names an organisation in whatever register it stands: the register's code, a hyphen, the number there
(``GB-COH-01234567``, ``FI-PRO-0112038-9``). ``warehouse/reference/organisation_registers.yaml`` lists those known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from warehouse import reference
from warehouse.messages import marked
from warehouse.sql import literal

# Every dash Unicode has, the minus, and the soft hyphen's visible kin: a spreadsheet makes en dashes by itself.
_DASH = "[-‐‑‒–—―−﹘﹣－]"
_BUSINESS_ID_FI = re.compile(rf"(?:FI\s*{_DASH}?\s*)?([0-9]{{7}})\s*{_DASH}?\s*([0-9])", re.IGNORECASE)
_OLD_BUSINESS_ID_FI = re.compile(rf"([0-9]{{6}})\s*{_DASH}\s*([0-9])")  # before 2001: today with a zero in front


def business_id_fi(text: str) -> str | None:
    """A Finnish business id as ``2170029-2``; None where a text has no form of one.

    Its forms are the id with any dash or none, with a country code as in the VAT number (``FI21700292``), and the
    six digits of old papers. Seven digits in a row without a dash may lack the check digit or the first zero, so
    they are none.
    """
    text = text.strip()
    if match := _BUSINESS_ID_FI.fullmatch(text):
        return f"{match[1]}-{match[2]}"
    if match := _OLD_BUSINESS_ID_FI.fullmatch(text):
        return f"0{match[1]}-{match[2]}"
    return None


_COMPANY_NUMBER_UK = re.compile("([A-Z]{2}|R)?([0-9]+)([A-Z]{0,2})")


def company_number_uk(text: str) -> str | None:
    """A number on the UK register as its eight characters, ``01234567`` or ``SC012345``; None where there is none.

    A spreadsheet eats zeros in front: up to two are put back. Of fewer digits nobody can say what is missing, and
    of more what is too much.
    """
    match = _COMPANY_NUMBER_UK.fullmatch(re.sub(r"\s", "", text).upper())
    if not match:
        return None
    prefix, digits, ending = match[1] or "", match[2], match[3]
    room = 8 - len(prefix) - len(ending)
    if not room - 2 <= len(digits) <= room or (ending and len(prefix) != 2):
        return None
    if ending and len(digits) < room:
        return None  # of IP1234R the R may stand for itself or be one of a pair
    return prefix + digits.zfill(room) + ending


def company_number_holds(column: str) -> str:
    """SQL that is true for a UK company number whose letters in front are of a kind of body, NULL for NULL.

    The number has no check digit.

    Args:
        column: the SQL of the number, in its canonical form.
    """
    letters = "|".join(sorted(reference.company_number_prefixes()))
    form = f"[0-9]{{8}}|R[0-9]{{7}}|({letters})([0-9]{{6}}|[0-9]{{5}}[A-Z]|[0-9]{{4}}[A-Z]{{2}})"
    return f"CASE WHEN {column} IS NOT NULL THEN regexp_full_match({column}, {literal(form)}) END"


def split_org_id(org_id: str) -> tuple[str, str] | None:
    """An org-id as the code of its register and the number there; None where the register is not known.

    The longest code that fits counts: codes hold hyphens, and so do numbers.
    """
    codes = (code for code in reference.organisation_registers() if org_id.upper().startswith(f"{code}-"))
    code = max(codes, key=len, default=None)
    return (code, org_id[len(code) + 1 :]) if code and len(org_id) > len(code) + 1 else None


def org_id(text: str) -> str | None:
    """An org-id in its canonical form: the register's code in capitals, the number as its register writes it.

    None where a text names no register that is known, or has no number.
    """
    parts = split_org_id(re.sub(_DASH, "-", re.sub(r"\s", "", text)))
    if parts is None:
        return None
    code, number = parts
    kind = reference.organisation_registers()[code].identifier
    canonical = IDENTIFIERS[kind].canonical(number) if kind else number
    return f"{code}-{canonical}" if canonical else None


def org_id_holds(column: str) -> str:
    """SQL that is true for an org-id of a known register with a number as it writes them, NULL for NULL.

    Args:
        column: the SQL of the org-id, in its canonical form.
    """
    registers = reference.organisation_registers()
    cases = []
    for code in sorted(registers, key=len, reverse=True):  # the longest code that fits
        kind, number = registers[code].identifier, f"substr({column}, {len(code) + 2})"
        holds = IDENTIFIERS[kind].holds(number) if kind else f"regexp_full_match({number}, '[^ ]+')"
        cases.append(f" WHEN starts_with({column}, {literal(code + '-')}) THEN {holds}")
    return f"CASE WHEN {column} IS NULL THEN NULL{''.join(cases)} ELSE false END"


def slug(text: str) -> str:
    """A house's own id, such as ``kalasatama-1``, of a text in another case or with a dash a program put there."""
    return re.sub(_DASH, "-", text.strip()).lower()


def business_id_holds(column: str) -> str:
    """SQL that is true for a Finnish business id with the right check digit, NULL for NULL.

    Weights 7, 9, 10, 5, 8, 4, 2; with the check digit itself at weight 1 the sum is divisible by 11. A remainder
    of 1 would need the digit 10, so such numbers are never given out. Source: the Finnish register's rule,
    which held for all 19,670 companies of Tampere in October 2024.

    Args:
        column: the SQL of the id, in its canonical form.
    """
    digits = [f"CAST(substr({column}, {place}, 1) AS INTEGER)" for place in (1, 2, 3, 4, 5, 6, 7, 9)]
    weighed = " + ".join(
        f"{weight} * {digit}" for weight, digit in zip((7, 9, 10, 5, 8, 4, 2, 1), digits, strict=True)
    )
    return (
        f"CASE WHEN {column} IS NULL THEN NULL"
        f" WHEN NOT regexp_full_match({column}, '[0-9]{{7}}-[0-9]') THEN false"
        f" ELSE ({weighed}) % 11 = 0 END"
    )


def with_check_digit(text: str) -> str | None:
    """A Finnish business id with the check digit that its first seven digits ask for.

    None where a text has no form of one, or its digits ask for the digit 10, so that no company has them.
    """
    given = business_id_fi(text)
    if given is None:
        return None
    rest = sum(weight * int(digit) for weight, digit in zip((7, 9, 10, 5, 8, 4, 2), given, strict=False)) % 11
    return None if rest == 1 else f"{given[:7]}-{(11 - rest) % 11}"


@dataclass(frozen=True)
class Identifier:
    """A kind of identifier that a column may hold (``check: <name>`` among its constraints).

    Attributes:
        title: what people call it; this and the words below are templates of messages.
        canonical: its canonical form from any other; None where a text has no form of it.
        holds: SQL that is true for a right one, NULL for NULL, made of the SQL of a column in canonical form.
        fault: what is wrong with one for which that is false, after the column's title.
        advice: what to do then, where the column has no help of its own.
        mended: of one for which that is false, what it would be with another check digit, if it has one.
        is_told_by_form: hardly anything else has its form, so that a column of such texts is one of identifiers.
    """

    title: str
    canonical: Callable[[str], str | None]
    holds: Callable[[str], str]
    fault: str
    advice: str
    mended: Callable[[str], str | None] = lambda text: None
    is_told_by_form: bool = True


IDENTIFIERS: Mapping[str, Identifier] = {
    "business_id_fi": Identifier(
        title=marked("Finnish business id"),
        canonical=business_id_fi,
        holds=business_id_holds,
        fault=marked("has a wrong check digit, so it is nobody's."),
        advice=marked("Look the company up at ytj.fi and copy its id."),
        mended=with_check_digit,
    ),
    "company_number_uk": Identifier(
        title=marked("UK company number"),
        canonical=company_number_uk,
        holds=company_number_holds,
        fault=marked("has not the form of a number on the UK register."),
        advice=marked(
            "Look the company up at find-and-update.company-information.service.gov.uk and copy its number."
        ),
        is_told_by_form=False,
    ),
    "org_id": Identifier(
        title=marked("org-id"),
        canonical=org_id,
        holds=org_id_holds,
        fault=marked("names no register that is known, or has no number as that register writes them."),
        advice=marked("Write the register's code of org-id.guide, a hyphen and the number: GB-COH-01234567."),
    ),
}

CANONICAL: Mapping[str, Callable[[str], str | None]] = {
    name: identifier.canonical for name, identifier in IDENTIFIERS.items()
}
