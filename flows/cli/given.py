"""What is given on the command line, as what the commands work with; wrong names are wrong usage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from flows.declarations import Declarations
    from flows.settings import Settings

T = TypeVar("T")


def settings_of(home: Path | None, portal: str | None = None) -> Settings:
    """The settings of a home that may yet have to be made."""
    from flows.settings import Settings

    return Settings.of(home, portal)


def standing_settings(home: Path | None, portal: str | None = None) -> Settings:
    """The settings of a home that is there: whoever mistyped its name is told so."""
    from flows.listing import standing

    return standing(settings_of(home, portal))


def origins_of(listed: Sequence[str] | None) -> dict[str, str | None]:
    """``NAME`` and ``NAME=ORIGIN`` as a mapping."""
    origins: dict[str, str | None] = {}
    for one in listed or ():
        name, _, origin = one.partition("=")
        if name in origins:
            raise typer.BadParameter(f"source {name} is given twice")
        if origin and "://" not in origin:
            origin = str(Path(origin).absolute())
        origins[name] = origin or None
    return origins


def named(declared: Mapping[str, T], name: str, kind: str) -> T:
    """What is declared under that name."""
    if name not in declared:
        raise typer.BadParameter(f"there is no {kind} {name!r}; declared are: {', '.join(declared)}")
    return declared[name]


def dataset_names(declared: Declarations, given: Sequence[str] | None) -> list[str]:
    """The datasets that are named, all of them if none is."""
    return [named(declared.datasets, name, "dataset").name for name in given or declared.datasets]


def print_json(content: Any) -> None:
    """Plain values as JSON on stdout; dates and paths as text."""
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2, default=str))
