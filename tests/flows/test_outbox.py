"""The outbox after nights: the marked copies of today, and what somebody mends there is hers."""

import shutil
from datetime import timedelta

import openpyxl
import pytest

from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.test_night import DAY

SOURCE = "agile_pilots"


@pytest.fixture
def settings(tmp_path):
    return nights.settings_of(tmp_path / "home")


@pytest.fixture
def night(settings, tmp_path):
    """A night of a workbook of that name, faulty or good, so many days later."""

    def run(name, days, *, is_good):
        folder = tmp_path / str(days)
        folder.mkdir()
        (factory.good_workbook if is_good else factory.workbook_with_one_of_each_error)(folder / name)
        origin = {SOURCE: folder / name}
        return nights.run(settings, DAY + timedelta(days), origin, ("agile-pilots",)).sources[0]

    return run


@pytest.fixture
def outbox(settings):
    """The names in the outbox, but for our note."""
    folder = settings.home.outbox / SOURCE
    return lambda: sorted(path.name for path in folder.iterdir() if path.name != ".marked.json")


def test_the_outbox_holds_the_marked_copies_of_today(night, outbox, settings):
    assert night("pilots.xlsx", 0, is_good=False).annotated.endswith("pilots-annotated.xlsx")
    assert outbox() == ["pilots-annotated.xlsx"]
    night("renamed.xlsx", 1, is_good=False)
    assert outbox() == ["renamed-annotated.xlsx"]
    mine = settings.home.outbox / SOURCE / "renamed-annotated.xlsx"
    book = openpyxl.load_workbook(mine)
    book["Pilots"]["B27"] = "The missing name"
    book.save(mine)
    mended = mine.read_bytes()
    again = night("renamed-annotated.xlsx", 2, is_good=False)  # she hands in a marked copy
    assert again.annotated.endswith("renamed-annotated-2.xlsx")
    assert outbox() == ["renamed-annotated-2.xlsx", "renamed-annotated.xlsx"]
    assert night("renamed.xlsx", 3, is_good=True).annotated is None
    assert outbox() == ["renamed-annotated.xlsx"]
    assert mine.read_bytes() == mended


def test_nothing_foreign_in_the_outbox_is_touched(night, outbox, settings, tmp_path):
    folder = settings.home.outbox / SOURCE
    folder.mkdir(parents=True)
    shutil.copy(factory.good_workbook(tmp_path / "x.xlsx"), folder / "note-annotated.xlsx")
    (folder / ".marked.json").write_text('{"../../raw": "0", "gone.xlsx": "0", "note-annotated.xlsx": "0"}')
    night("pilots.xlsx", 0, is_good=True)
    assert outbox() == ["note-annotated.xlsx"]
    assert settings.home.raw.is_dir()
