"""What a person reads of a file that was checked: the verdict, what is to be mended, suggestions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from flows.cli.printing import console_of
from warehouse.messages import Language, counted, listed, message, said_in

if TYPE_CHECKING:
    from flows.recognising import UnclearSourceError
    from flows.telling import Told, ToldCause

_STYLE = {"good": "green", "warn": "yellow", "stop": "bold red"}
_SPOTS = 10  # of one cause; the marked copy and --json have them all
Say = Callable[[str], str]


def print_told(told: Told, language: Language, files: Sequence[Path], copies: Sequence[Path]) -> None:
    """What would become of the files, the worst first."""
    console = console_of()
    say: Say = partial(said_in, language=language)
    names = listed([path.name for path in files])
    console.print(escape(say(message("{files}: checked as {title}.", files=names, title=told.title))))
    if told.why:
        console.print(escape(say(told.why)), style="dim")
    console.print(f"{told.mark} {escape(say(told.headline))}.", style=_STYLE[told.tone])
    for line in filter(None, (told.what_follows, told.since_last, *told.gone_on)):
        console.print(f"  {escape(say(line))}")
    tiers = (
        (counted("{count} thing to mend", "{count} things to mend", len(told.mend)), told.mend, "red"),
        (counted("{count} suggestion", "{count} suggestions", len(told.look)), told.look, "yellow"),
        (counted("{count} thing to know", "{count} things to know", len(told.know)), told.know, "dim"),
    )
    for title, causes, style in tiers:
        if causes:
            console.print(f"\n{escape(say(title))}", style=style)
            for cause in causes:
                _print_cause(console, cause, say, style)
    for copy in copies:
        words = say(message("Marked copy: {path}", path=str(copy)))
        console.print(f"\n{escape(words)}", soft_wrap=True)


def _print_cause(console: Console, cause: ToldCause, say: Say, style: str) -> None:
    console.print(f"[{style}]-[/] {escape(say(cause.message))}")
    if cause.help:
        console.print(f"  {escape(say(cause.help))}", style="dim")
    for spot in cause.spots[:_SPOTS]:
        parts = (say(spot.where), spot.value or "", say(spot.message), say(spot.help))
        if line := "  ".join(part for part in parts if part):
            console.print(f"    {escape(line)}")
    if (left := len(cause.spots) - _SPOTS) > 0:
        more = counted("and {count} more", "and {count} more", left)
        console.print(f"    {escape(say(more))}", style="dim")


def unclear_in_words(error: UnclearSourceError, language: Language) -> str:
    """Why nobody can tell which source a file is of, and which are the nearest."""
    say: Say = partial(said_in, language=language)
    lines = [say(error.words)]
    lines += [f"  {one.source} ({say(one.title)}): {say(one.why)}" for one in error.candidates]
    return "\n".join([*lines, say(message("Say which one it is with --source NAME."))])
