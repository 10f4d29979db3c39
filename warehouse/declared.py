"""What is declared in YAML files of the project: how such a file is read, and how its faults are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

SLUG = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
DATASET_SLUG = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"


class DeclarationError(ValueError):
    """A declaration file cannot be used; the message names the file, the place in it and what to do."""


class Declared(BaseModel):
    """Base of everything read from a declaration file: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


D = TypeVar("D", bound=Declared)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; DeclarationError with file and line if it is not YAML."""
    try:
        # the C loader is a safe loader too, and eight times as fast: every command reads all declarations
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506
    except yaml.YAMLError as error:
        raise DeclarationError(f"{path}: not YAML: {error}") from error


def parse(model: type[D], content: Any, where: Path | str) -> D:
    """``content`` as ``model``; DeclarationError that lists every fault with its place."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = [
            f"  {'.'.join(str(part) for part in fault['loc']) or '(top)'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
            if fault["type"] != "default_factory_not_called"  # it follows from another fault
        ]
        raise DeclarationError(f"{where}: {len(faults)} fault(s)\n" + "\n".join(faults)) from error
