"""The desk's pages: what is said on them, in the language of whoever reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.desk.workers import Stage
from warehouse.messages import Language, message, said_in
from warehouse.messages.texts import Message

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Reader:
    """Who reads a page: in which language, at which address (a path), for which source, with which form token."""

    language: Language
    path: str
    title: str = ""
    csrf: str = ""

    @property
    def languages(self) -> list[tuple[str, str, str, bool]]:
        """The languages of the switch: tag, own name, address, whether it is this one."""
        return [
            (one.value, one.own_name, f"{self.path}?language={one.value}", one is self.language)
            for one in Language
        ]


def language_asked(chosen: str | None, accepted: str, otherwise: Language) -> Language:
    """The language of a page: the one that was chosen, else the first that a browser accepts and we speak."""
    known = {one.value: one for one in Language}
    if chosen in known:
        return known[chosen]
    weighed = []
    for position, part in enumerate(accepted[:500].split(",")):
        tag, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        primary = tag.strip().split("-")[0].lower()
        if primary in known and quality > 0:
            weighed.append((-quality, position, known[primary]))
    return min(weighed)[2] if weighed else otherwise


def stage_in_words(stage: Stage) -> str:
    """What is being done with a file."""
    return {
        Stage.WAITING: message("Waiting for its turn"),
        Stage.READING: message("Reading the file"),
        Stage.CHECKING: message("Checking the rules"),
        Stage.DONE: message("Checked"),
    }[stage]


def render(template: str, reader: Reader, **content: Any) -> str:
    """A page as HTML."""
    language = reader.language

    def gettext(text: str, **values: Any) -> str:
        return said_in(Message(text, values), language)

    def ngettext(one: str, many: str, count: int, **values: Any) -> str:
        return said_in(Message(one, {"count": count, **values}, many, count), language)

    return (
        _environment()
        .get_template(template)
        .render(
            _=gettext,
            ngettext=ngettext,
            say=partial(said_in, language=language),
            reader=reader,
            **content,
        )
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def static_file(name: str) -> bytes:
    """A style sheet or script of ours."""
    return (FOLDER / "static" / name).read_bytes()


def endings(suffixes: Sequence[str]) -> str:
    """Suffixes as a file field takes them."""
    return ",".join(suffixes)
