"""The outbox: the marked copies of today, and what somebody mends there is hers."""

from datetime import timedelta
from pathlib import Path

import pytest

from flows.outbox import Outbox
from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.test_night import DAY


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "outbox"


@pytest.fixture
def copy(tmp_path):
    """A marked copy on its way to the outbox."""

    def make(name, content):
        path = tmp_path / name
        path.write_text(content)
        return path

    return make


def lying(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith(".")}


def test_what_is_mended_or_was_replaced_goes(folder, copy):
    names = [Outbox(folder).put(copy(f"{name}-annotated.xlsx", "1")) for name in ("a", "b")]
    Outbox(folder).put(copy("a-annotated.xlsx", "2"))
    Outbox(folder).keep_only(names)
    assert lying(folder) == {"a-annotated.xlsx": "2", "b-annotated.xlsx": "1"}
    Outbox(folder).keep_only(names[:1])
    assert lying(folder) == {"a-annotated.xlsx": "2"}
    Outbox(folder).keep_only(())
    assert lying(folder) == {}


def test_a_copy_that_was_changed_there_stays(folder, copy):
    name = Outbox(folder).put(copy("a-annotated.xlsx", "1"))
    (folder / name).write_text("half mended")
    assert Outbox(folder).put(copy(name, "2")) == "a-annotated-2.xlsx"
    Outbox(folder).keep_only(["a-annotated-2.xlsx"])
    assert Outbox(folder).put(copy(name, "3")) == "a-annotated-2.xlsx"
    assert lying(folder) == {"a-annotated.xlsx": "half mended", "a-annotated-2.xlsx": "3"}
    Outbox(folder).keep_only(())
    assert lying(folder) == {"a-annotated.xlsx": "half mended"}


def test_a_copy_is_known_as_ours_whenever_the_writing_was_cut_short(folder, copy, monkeypatch):
    class KilledError(Exception):
        pass

    def killed(*_):
        raise KilledError

    name = Outbox(folder).put(copy("a-annotated.xlsx", "1"))
    with monkeypatch.context() as cut:
        cut.setattr(Path, "replace", killed)  # nothing was put there
        with pytest.raises(KilledError):
            Outbox(folder).put(copy(name, "2"))
    assert Outbox(folder).put(copy(name, "3")) == name
    outbox = Outbox(folder)
    note, notes = outbox._note, iter([None])
    monkeypatch.setattr(outbox, "_note", lambda written: note(written) if next(notes, 1) is None else killed())
    with pytest.raises(KilledError):
        outbox.put(copy(name, "4"))  # it was put there, and not noted as the last
    assert lying(folder) == {name: "4"}
    assert Outbox(folder).put(copy(name, "5")) == name
    Outbox(folder).keep_only(())
    assert lying(folder) == {}


@pytest.mark.parametrize("note", ['{"../other": "0", "gone.xlsx": "0", "note.txt": "0"}', "[]", "{"])
def test_nothing_foreign_is_touched(folder, note):
    folder.mkdir()
    (folder / "note.txt").write_text("mine")
    (folder.parent / "other").write_text("not here")
    (folder / ".marked.json").write_text(note)
    Outbox(folder).keep_only(())
    assert lying(folder) == {"note.txt": "mine"}
    assert (folder.parent / "other").exists()


def test_a_clean_hand_in_clears_the_outbox(tmp_path):
    settings = nights.settings_of(tmp_path / "home")
    (tmp_path / "mended").mkdir()
    files = (
        factory.workbook_with_one_of_each_error(tmp_path / "pilots-annotated.xlsx"),  # she hands in a marked copy
        factory.good_workbook(tmp_path / "mended" / "pilots.xlsx"),
    )
    outcomes = [
        nights.run(settings, DAY + timedelta(days), {"agile_pilots": file}, ("agile-pilots",)).sources[0]
        for days, file in enumerate(files)
    ]
    assert outcomes[0].annotated.endswith("/pilots-annotated.xlsx")
    assert outcomes[1].annotated is None
    assert lying(settings.home.outbox / "agile_pilots") == {}
