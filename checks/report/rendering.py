"""The pages written: HTML files without scripts or anything to fetch, each in every language."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from checks.report.content import ReportContent, SourceSection
from checks.report.overview import overview_of
from checks.report.places import Target, href, page_name
from checks.report.sanitising import visible
from checks.report.source_page import source_page
from checks.report.wording import number
from warehouse.declarations import SourceDeclaration
from warehouse.home import write_atomically
from warehouse.messages import Language, counted, message, said_in

_TEMPLATES = Path(__file__).parent / "templates"


def render_report(content: ReportContent) -> dict[str, str]:
    """All pages of a report by the names of their files. The same content always gives the same pages."""
    pages = _in_all_languages("overview.html", overview_of(content), None)
    for section in content.sources:
        pages |= render_source(section, content)
    return pages


def render_source(section: SourceSection, content: ReportContent) -> dict[str, str]:
    """A source's page in every language, by the names of the files."""
    return _in_all_languages("source.html", source_page(section, content), section.declaration)


def write_report(folder: Path, content: ReportContent) -> Path:
    """Write all pages into the report's folder, each whole or not at all. Returns the overview's path."""
    for name, page in render_report(content).items():
        write_atomically(folder / name, page)
    return folder / page_name(None, Language.ENGLISH)


def _in_all_languages(template: str, page: object, source: SourceDeclaration | None) -> dict[str, str]:
    made = {}
    for language in Language:
        shown = _environment(language).get_template(template)
        made[page_name(source, language)] = (
            shown.render(
                page=page,
                language=language,
                others=[(one, page_name(source, one)) for one in Language if one is not language],
                href=_linker(language, source),
                overview=Target(None, ""),
                people=Target(None, "people"),
            )
            + "\n"
        )
    return made


def _linker(language: Language, source: SourceDeclaration | None) -> Callable[[Target], str]:
    return lambda target: href(target, language, source)


def _digest(style: str) -> str:
    """The hash by which the page's policy knows its own style sheet, and refuses any other."""
    return base64.b64encode(hashlib.sha256(str(style).encode()).digest()).decode()


@cache
def _environment(language: Language) -> Environment:
    """Templates in a language: what they write is said in it, then escaped."""

    def finalised(value: Any) -> Any:
        if isinstance(value, Markup) or not isinstance(value, str):
            return value
        return visible(said_in(value, language))

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalised,
    )
    environment.filters |= {"digest": _digest, "number": number}
    environment.globals |= {"_": message, "ngettext": counted}
    return environment
