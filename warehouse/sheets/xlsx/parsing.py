"""A part read by an expat parser that lets nothing in from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from xml.parsers import expat

from warehouse.messages import message
from warehouse.sheets import limits
from warehouse.sheets.cells import SheetError
from warehouse.sheets.xlsx.package import OWN_TYPE, check_encoding, unreadable


def parse_part(
    part: str,
    chunks: Iterable[bytes],
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    characters: Callable[[str], None],
) -> None:
    """Read a part through an expat parser that refuses document types, so no entity is ever defined."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: Any) -> None:
        raise SheetError(OWN_TYPE)

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    fed = 0
    try:
        for chunk in chunks:
            if not fed:
                check_encoding(part, chunk)
            fed += len(chunk)
            parser.Parse(chunk, False)
            if fed - parser.CurrentByteIndex > limits.MAX_TAG_BYTES:
                raise SheetError(
                    message(
                        "its part “{part}” holds a tag larger than any spreadsheet program makes it",
                        part=part[:80],
                    )
                )
        parser.Parse(b"", True)
    except SheetError:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise unreadable(part, error) from error
