"""The page written: one HTML file without scripts or anything to fetch."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from checks.report.content import ReportContent
from checks.report.page import page_of
from checks.report.sanitising import visible
from checks.report.wording import many
from warehouse.home import write_atomically

_TEMPLATES = Path(__file__).parent / "templates"


def render_report(content: ReportContent) -> str:
    """The report as one HTML page. The same content always gives the same page."""
    return _template().render(page=page_of(content)) + "\n"


def write_report(folder: Path, content: ReportContent) -> Path:
    """Write ``index.html`` into the report's folder, whole or not at all. Returns its path."""
    path = folder / "index.html"
    write_atomically(path, render_report(content))
    return path


def _finalised(value: Any) -> Any:
    """The last look at whatever a template writes; jinja2 escapes it afterwards."""
    return value if isinstance(value, Markup) else visible(str(value))


def _digest(style: str) -> str:
    """The hash by which the page's policy knows its own style sheet, and refuses any other."""
    return base64.b64encode(hashlib.sha256(str(style).encode()).digest()).decode()


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalised,
    )
    environment.filters["digest"] = _digest
    environment.filters["many"] = many
    return environment.get_template("report.html")
