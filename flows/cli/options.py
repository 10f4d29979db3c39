"""The application, and the options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="opendistrict",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help takes half the time
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Open data for innovation districts: pull, check, version and publish.",
)

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="The home folder [OPENDISTRICT_HOME, default ./var].", metavar="DIR")
]
PortalOption = Annotated[
    str | None,
    typer.Option("--portal", help="A CKAN's URL or a folder [OPENDISTRICT_PORTAL].", metavar="PATH|URL"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SourceOption = Annotated[
    list[str] | None,
    typer.Option("--source", help="A source, and where to pull it from.", metavar="NAME[=PATH|URL]"),
]
DatasetOption = Annotated[list[str] | None, typer.Option("--dataset", help="A dataset.", metavar="NAME")]
ShrinkOption = Annotated[
    list[str] | None,
    typer.Option("--allow-shrink", help="May be much smaller than last time.", metavar="NAME"),
]
RestoreOption = Annotated[
    list[str] | None,
    typer.Option("--restore", help="Is shown again, though somebody took it down on the portal.", metavar="NAME"),
]
OverwriteOption = Annotated[
    list[str] | None,
    typer.Option("--overwrite", help="Words that somebody changed on the portal are ours again.", metavar="NAME"),
]
OlderOption = Annotated[
    list[str] | None,
    typer.Option("--allow-older", help="May stand in the place of a newer version.", metavar="NAME"),
]
DeepOption = Annotated[
    bool, typer.Option("--deep", help="Read every file again, also those that nothing says were touched.")
]
DAY = ["%Y-%m-%d"]
