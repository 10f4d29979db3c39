"""What is declared in YAML files of the project: how such a file is read, and how its faults are told."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

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


def parse(
    model: type[D], content: Any, where: Path | str, file: Path | None = None, under: Sequence[str | int] = ()
) -> D:
    """``content`` as ``model``; DeclarationError that lists every fault with its place.

    Args:
        model: what it should be.
        content: as ``read_yaml`` gave it, or a part of that.
        where: how the file is called in the message.
        file: the file itself, where ``where`` is only its name: the message tells the line of each fault.
        under: the keys that lead to ``content`` in the file.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        path = file or (where if isinstance(where, Path) else None)
        faults = [
            f"  {_at_line(path, (*under, *one['loc']))}{_dotted(one['loc']) or '(top)'}: {_in_words(model, one)}"
            for one in error.errors(include_url=False)
            if one["type"] != "default_factory_not_called"  # it follows from another fault
        ]
        raise DeclarationError(f"{where}: {len(faults)} fault(s)\n" + "\n".join(faults)) from error


def fault(path: Path, place: Sequence[str | int], words: str) -> DeclarationError:
    """What is wrong at a place in a YAML file, with its line; ``place`` are the keys and positions on the way."""
    return DeclarationError(f"{path}: {_at_line(path, place)}{_dotted(place)}: {words}")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the name that was probably meant, to be put behind a sentence; empty where none is alike."""
    alike = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; perhaps {alike[0]} is meant" if alike else ""


def _dotted(place: Iterable[str | int]) -> str:
    return ".".join(str(part) for part in place)


def _in_words(model: type[BaseModel], found: Mapping[str, Any]) -> str:
    """What is wrong; of a misspelt key the one that was probably meant."""
    if found["type"] != "extra_forbidden":
        return str(found["msg"])
    *place, name = found["loc"]
    known = _keys(model, place)
    return f"there is no such key{nearest(str(name), known)}"


def _keys(model: type[BaseModel], place: Sequence[str | int]) -> set[str]:
    """The keys that a mapping at a place below a model may have."""
    models = {model}
    for part in place:
        if isinstance(part, int):
            continue
        inner = {
            found
            for one in models
            for name, field in one.model_fields.items()
            if part in (name, field.alias)
            for found in _models_in(field.annotation)
        }
        models = inner or models  # a key of a mapping, or the tag of a union: nothing that a model names
    return {field.alias or name for one in models for name, field in one.model_fields.items()}


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {found for part in get_args(annotation) for found in _models_in(part)}


def _at_line(path: Path | None, place: Sequence[str | int]) -> str:
    """The line of a place in a YAML file, as a beginning; the file is read again, for faults are rare."""
    line = line_of(path, place) if path else None
    return f"line {line}: " if line else ""


def line_of(path: Path, place: Sequence[str | int]) -> int | None:
    """The line of a place in a YAML file; None where it has no such file or place."""
    if not path.is_file():
        return None
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    line = None
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == str(part)), None)
            if pair is None:
                continue  # added by whoever reads the file, or the tag of a union
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
