"""The catalogues of messages, brought up to date with what is said.

``python -m dev.messages`` looks for messages in the code (``message``, ``counted`` and ``marked`` of
``warehouse.messages``), in the templates of pages and in the rules files, and writes
``warehouse/messages/<language>/<room>.po``: what is new there comes without a translation, what is said no more
goes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from warehouse.messages import Language
from warehouse.messages.said import FOLDER

ROOT = Path(__file__).resolve().parents[1]
# The first that a path begins with names its catalogue.
ROOMS: Mapping[str, str] = {
    "sources/": "reading",
    "checks/annotate/": "workbook",
    "checks/report/": "report",
    "checks/letter.py": "letter",
    "checks/": "rules",
    "flows/desk/": "desk",
    "flows/": "flows",
    "publish/": "publish",
    "warehouse/": "warehouse",
}
_KEYWORDS = {"message": None, "marked": None, "counted": (1, 2), "_": None, "gettext": None, "ngettext": (1, 2)}
_HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
Template = str | tuple[str, str]


def found() -> dict[str, set[Template]]:
    """By room, what is said: a template, or two of a message that counts."""
    said: dict[str, set[Template]] = {room: set() for room in ROOMS.values()}
    for path in sorted(ROOT.glob("*/**/*")):
        name = path.relative_to(ROOT).as_posix()
        room = next((room for prefix, room in ROOMS.items() if name.startswith(prefix)), None)
        if room is not None:
            said[room].update(_said_in_file(path))
    return said


def _said_in_file(path: Path) -> Iterator[Template]:
    if path.suffix == ".yaml" and "rules" in path.parts:
        yield from _said_in_rules(yaml.safe_load(path.read_text(encoding="utf-8")))
    method = {".py": "python", ".html": "jinja2.ext:babel_extract", ".txt": "jinja2.ext:babel_extract"}.get(
        path.suffix
    )
    if method is None:
        return
    with path.open("rb") as file:
        for _, template, _, _ in extract(method, file, keywords=_KEYWORDS, options={"encoding": "utf-8"}):
            yield template if isinstance(template, str) else (template[0], template[1])


def _said_in_rules(content: object) -> Iterator[str]:
    """The messages and advice of a rules file, wherever they stand in it."""
    if isinstance(content, list):
        for part in content:
            yield from _said_in_rules(part)
    elif isinstance(content, dict):
        for key, part in content.items():
            if key in ("demands", "message", "help") and isinstance(part, str):
                yield part
            else:
                yield from _said_in_rules(part)


def kept(language: Language, room: str) -> Catalog:
    """The catalogue of a room as it stands."""
    path = FOLDER / language.value / f"{room}.po"
    if not path.exists():
        return Catalog(locale=language.value)
    with path.open("rb") as file:
        return read_po(file, locale=language.value)


def written(language: Language, room: str, said: set[Template]) -> str:
    """The catalogue of a room as its file should be: what is said there, with the translations there are."""
    before = kept(language, room)
    catalogue = Catalog(locale=language.value)
    for template in sorted(said, key=lambda one: one if isinstance(one, str) else one[0]):
        known = before.get(template if isinstance(template, str) else template[0])
        is_alike = known is not None and isinstance(known.string, str) is isinstance(template, str)
        catalogue.add(template, known.string if known is not None and is_alike else None)
    text = io.BytesIO()
    write_po(text, catalogue, omit_header=True, no_location=True, width=110)
    return _HEADER.format(language=language.value) + text.getvalue().decode()


def main() -> None:
    """Bring all catalogues up to date, and say how many messages wait for a translation."""
    for language in Language:
        if language is Language.ENGLISH:
            continue
        (FOLDER / language.value).mkdir(exist_ok=True)
        for room, said in found().items():
            path = FOLDER / language.value / f"{room}.po"
            if not said:
                path.unlink(missing_ok=True)
                continue
            path.write_text(written(language, room, said), encoding="utf-8")
            waiting = [one.id for one in kept(language, room) if one.id and not (one.string and all(one.string))]
            print(f"{path.relative_to(ROOT)}: {len(said)} messages, {len(waiting)} to be translated")


if __name__ == "__main__":
    main()
