"""The forms that texts have in our tables, in words: nobody who keeps a workbook reads a regular expression."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from warehouse.declarations import FieldDeclaration
from warehouse.identifiers import CANONICAL
from warehouse.messages import Message, marked

_SEPARATORS = re.compile(r"[^a-z0-9]+")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Form:
    """A form of texts.

    Attributes:
        template: what such a text is, for a sentence after "Write".
        example: one that has the form.
        nearest: what a text that has another form is probably meant to be, if anything.
    """

    template: str
    example: str
    nearest: Callable[[str], str | None] = lambda text: None

    @property
    def words(self) -> Message:
        """What such a text is, as a message."""
        return Message(self.template, {})


def _slug(text: str) -> str | None:
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return _SEPARATORS.sub("-", plain.lower()).strip("-") or None


def _address(text: str) -> str | None:
    joined = _SPACES.sub("%20", text.strip())
    if re.match("https?://", joined, re.IGNORECASE):
        return joined
    return f"https://{joined}" if re.fullmatch(r"[\w-]+(\.[\w-]+)+(/\S*)?", joined) else None


def _postcode(text: str) -> str | None:
    joined = _SPACES.sub("", text).upper()
    return f"{joined[:-3]} {joined[-3:]}"


def _capitals(text: str) -> str | None:
    return _SPACES.sub("", text).upper()


def _business_id(text: str) -> str | None:
    return CANONICAL["business_id_fi"](text)


# By the pattern as declarations have it. Whatever ``nearest`` gives is used only where it has the form.
_FORMS: Mapping[str, Form] = {
    "[a-z0-9]+(-[a-z0-9]+)*": Form(
        marked("an id of small letters a to z, digits and single hyphens"), "kalasatama-1-tuup", _slug
    ),
    "https?://[^ ]+": Form(marked("a whole web address without spaces"), "https://forumvirium.fi/en/", _address),
    "[0-9]{7}-[0-9]": Form(
        marked("a Finnish business id: seven digits, a hyphen and one digit"), "2170029-2", _business_id
    ),
    "[A-Z][0-9]{5}": Form(marked("a code of one capital letter and five digits"), "A70001", _capitals),
    "[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}": Form(
        marked("a UK postcode in capitals with one space"), "E20 3BS", _postcode
    ),
    "[EWSN][0-9]{8}": Form(
        marked("a code of one of the letters E, W, S and N and eight digits"), "E09000012", _capitals
    ),
    "[a-z0-9_.-]+:[^ /?#]+": Form(marked("the id of a system, a colon and the id there"), "helsinki:afxp6tv4xa"),
}


def form_of(field: FieldDeclaration) -> Form | None:
    """The form that a column's texts have, in words; None where there is none, or nobody put it into words."""
    return form_of_pattern(field.constraints.pattern)


def form_of_pattern(pattern: str | None) -> Form | None:
    """The form that a pattern means, in words, if anybody put it into words."""
    return _FORMS.get(pattern or "")


def meant_by(text: str, pattern: str) -> str | None:
    """The text of the right form that another one is probably meant to be; None where nobody can tell."""
    form = form_of_pattern(pattern)
    meant = form.nearest(text) if form is not None else None
    if meant is None or meant == text or not re.fullmatch(pattern, meant):
        return None
    return meant
