"""The texts of a workbook: those that its cells share, and those within a cell."""

from __future__ import annotations

from warehouse.messages import message
from warehouse.sheets import limits
from warehouse.sheets.cells import ErrorValue, SheetError, text_value
from warehouse.sheets.rich_text import Run, assembled
from warehouse.sheets.xlsx.package import Package, local_name
from warehouse.sheets.xlsx.parsing import parse_part
from warehouse.sheets.xlsx.values import unescaped
from warehouse.text import without_controls


class TextItem:
    """The text of a shared or inline string as it comes in, run by run: phonetic guides left out."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.length = 0
        self.in_text = self.in_phonetic = self.is_raised = self.is_struck = False

    def clear(self) -> None:
        """Begin anew."""
        self.__init__()  # type: ignore[misc]

    def start(self, local: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if local == "t":
            self.in_text = not self.in_phonetic
            if self.in_text:
                self.runs.append(Run("", self.is_raised, self.is_struck))
        elif local == "rPh":
            self.in_phonetic = True
        elif local == "vertAlign":
            self.is_raised = attributes.get("val") == "superscript"
        elif local == "strike":
            self.is_struck = attributes.get("val", "1") not in ("0", "false")

    def end(self, local: str) -> None:
        """An element ends."""
        if local == "t":
            self.in_text = False
        elif local == "rPh":
            self.in_phonetic = False
        elif local == "r":
            self.is_raised = self.is_struck = False

    def characters(self, data: str) -> None:
        """A stretch of text."""
        if self.in_text:
            self.length += len(data)
            # a little more, so that it is seen to be too long
            if self.length <= limits.MAX_CELL_CHARACTERS + limits.CHUNK:
                self.runs[-1].text += data

    def value(self) -> tuple[str | ErrorValue, str]:
        """The value, and what was left out of it."""
        for run in self.runs:
            run.text = unescaped(run.text)
        text, note, problem = assembled(self.runs)
        if problem:
            return ErrorValue(without_controls(text[:60]), problem=problem), ""
        return text_value(text), note


SharedString = str | ErrorValue | tuple[str | ErrorValue, str]  # the last with a note


def shared_strings(package: Package, part: str | None) -> list[SharedString]:
    """The shared texts by index."""
    if part is None or part not in package:
        return []
    strings: list[SharedString] = []
    item = TextItem()
    total = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        local = local_name(name)
        if local == "si":
            item.clear()
        else:
            item.start(local, attributes)

    def end(name: str) -> None:
        nonlocal total
        local = local_name(name)
        if local != "si":
            item.end(local)
            return
        value, note = item.value()
        strings.append((value, note) if note else value)
        total += min(item.length, limits.MAX_CELL_CHARACTERS)
        if total > limits.MAX_CHARACTERS:
            raise SheetError(message("its cells hold more than {most} characters", most=limits.MAX_CHARACTERS))

    parse_part(part, package.chunks(part), start, end, item.characters)
    return strings
