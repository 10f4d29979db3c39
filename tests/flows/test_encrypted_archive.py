"""Nights with a key for the raw archive: nothing about people lies plain in it, and without the key it is said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from flows import cli, encrypting, steps
from flows.declarations import Declarations
from flows.encrypting import encrypt_archive
from flows.orchestration import server
from flows.outcomes import HELD
from flows.rebuild import rebuild_warehouse
from flows.run import Direct, Run, RunRequest
from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.home_tree import stamps
from tests.flows.test_personal import holders
from warehouse import encryption
from warehouse.archive import Archive
from warehouse.archive_keys import VARIABLE, ArchiveKeyError, keyring, new_key

DAY, NEXT_DAY = date(2026, 11, 23), date(2026, 11, 24)
ANSWER, TOPIC = "I live above the bakery and sleep badly", "Lamps for the deaf"
SURVEYS, CLUB = "surveys", "innovators_club"
BOOK = """
survey_id: lamps-2026
title: Lamps
pilot_id: pilot-1
measures:
  would_use_again: {question: AGAIN, answers: {1: ["Yes"], 0: ["No"]}}
"""


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def key():
    return new_key()


@pytest.fixture(scope="module")
def declared():
    return Declarations.read()


@pytest.fixture(scope="module")
def origins(tmp_path_factory):
    """What people handed in: a survey with an answer in free text, and a workbook with a wrong cell."""
    folder = tmp_path_factory.mktemp("inbox")
    export(folder / "surveys", "Yes")
    meeting = {
        "Meeting ID": "club-1",
        "Meeting": "First",
        "Kind": "meeting",
        "Date": "2026-02-12",
        "Date precision": "day",
        "Topic": TOPIC,
        "Place": "School",
    }
    came = {"Meeting ID": "club-1", "Stakeholders": "residents", "Attendance": 31, "First-timers": 4}
    attendance = [came, {**came, "Stakeholders": "city"}, {**came, "Stakeholders": "media", "First-timers": 32}]
    tables = {"Meetings": factory.table([meeting]), "Attendance": factory.table(attendance)}
    return {SURVEYS: folder / "surveys", CLUB: factory.save(folder / "club.xlsx", tables)}


def export(folder, answer):
    folder.mkdir(exist_ok=True)
    (folder / "lamps.codebook.yaml").write_text(BOOK)
    (folder / "lamps.csv").write_text(
        '"id. Response ID";"submitdate. Date submitted";"AGAIN. Again?";"WHY. Why?"\n'
        f'"1";"2026-11-20 12:00:00";"{answer}";"{ANSWER}"\n'
        f'"2";"2026-11-20 13:00:00";"Yes";""\n'
    )
    return folder


def night(settings, origins, day=DAY):
    return nights.run(settings, day, origins, ("innovators-club",))


def states(outcome):
    return {one.name: one.state for one in outcome.sources}


def lies_plain(settings):
    """What of the archive, of staging and of work in progress anybody can read what people said in."""
    home = settings.home
    found = [place for place, _ in holders(home.root, ANSWER, TOPIC, private=())]
    kept = [place for place in found if Path(place).parts[0] in ("raw", "staging", "tmp")]
    staged = [str(path.relative_to(home.root)) for path in home.staging.rglob("*.duckdb*")]
    return kept + [path for path in staged if Path(path).parts[1] in (SURVEYS, CLUB)]


@pytest.fixture(scope="module")
def encrypted_night(tmp_path_factory, origins, key):
    """A home after a night with a key, and what it came to."""
    settings = nights.settings_of(tmp_path_factory.mktemp("encrypted") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, key)
        outcome = night(settings, origins)
    return settings.home.root, outcome


@pytest.fixture
def plain(tmp_path, declared, origins, monkeypatch):
    """A home that took the files in without a key, and was killed when it had staged one."""
    settings = nights.settings_of(tmp_path / "home")
    monkeypatch.setenv(VARIABLE, "")
    pulled(settings, declared, origins)
    (settings.home.staging / SURVEYS).mkdir(parents=True)
    (settings.home.staging / SURVEYS / "2026-11-23-abc.duckdb").write_text(ANSWER)
    return settings


def pulled(settings, declared, origins):
    with Direct() as runner:
        run = Run(settings, RunRequest(DAY, {}), runner, declarations=declared)
        return {steps.pull(run, name, str(origin), DAY).id for name, origin in origins.items()}


@pytest.fixture
def encrypted(encrypted_night, tmp_path):
    shutil.copytree(encrypted_night[0], tmp_path / "home")
    return nights.settings_of(tmp_path / "home")


def snapshots(settings, source=SURVEYS):
    return Archive(settings.home, source, about_people=True).snapshots()


def key_ids(settings):
    return {
        file.kept.key_id for name in (SURVEYS, CLUB) for one in snapshots(settings, name) for file in one.files
    }


# --- nights -----------------------------------------------------------------------------------------


def test_after_a_night_with_a_key_nothing_lies_plain_and_the_key_nowhere(encrypted_night, encrypted, key, origins):
    outcome = encrypted_night[1]
    assert states(outcome) == {SURVEYS: "loaded", CLUB: "loaded"}
    assert lies_plain(encrypted) == []
    assert key_ids(encrypted) == {keyring({VARIABLE: key}).keys[0].id}
    for form in (key, key.rstrip("="), keyring({VARIABLE: key}).keys[0].secret.hex()):
        assert holders(encrypted.home.root, form, private=()) == []
        assert form not in repr(encrypted)
        assert form not in repr(outcome)
    club = next(one for one in outcome.sources if one.name == CLUB)
    assert Path(club.annotated).is_file()  # their keeper gets the marked workbook all the same
    assert holders(Path(club.annotated).parent, TOPIC, private=())


def test_the_same_night_again_writes_nothing_and_needs_no_key(encrypted_night, origins, monkeypatch):
    encrypted = nights.settings_of(encrypted_night[0])
    before = stamps(encrypted.home.root)
    for given in ("", new_key(), "no key at all"):
        monkeypatch.setenv(VARIABLE, given)
        outcome = night(encrypted, origins)
        assert states(outcome) == {SURVEYS: "unchanged", CLUB: "unchanged"}
        assert not any(one.message or one.notice for one in outcome.sources if one.name == SURVEYS)
    after = stamps(encrypted.home.root)
    assert {name for name in after if after[name] != before.get(name)} <= {
        f"raw/{source}/origins.json" for source in (SURVEYS, CLUB)
    }


def test_without_its_key_a_source_fails_in_words_and_the_others_go_on(encrypted, origins, tmp_path, monkeypatch):
    pilots = {"Pilots": factory.table(map(factory.pilot, range(12))), "Rounds": factory.table([factory.ROUND])}
    new = {
        SURVEYS: export(tmp_path / "new", "No"),
        CLUB: origins[CLUB],
        "agile_pilots": factory.save(tmp_path / "pilots.xlsx", pilots),
    }
    monkeypatch.setenv(VARIABLE, "")
    outcome = night(encrypted, new, NEXT_DAY)
    assert states(outcome) == {"agile_pilots": "loaded", CLUB: "unchanged", SURVEYS: "failed"}
    assert outcome.exit_code == HELD
    failed = next(one for one in outcome.sources if one.name == SURVEYS)
    assert failed.stale_since == DAY
    assert "no archive key is given" in failed.message
    assert VARIABLE in failed.message
    assert lies_plain(encrypted) == []
    assert len(snapshots(encrypted)) == 1


def test_a_warehouse_is_made_anew_with_the_key_only(encrypted, declared, key, monkeypatch):
    before = encrypted.home.warehouse.read_bytes()
    with Direct() as runner:
        run = Run(encrypted, RunRequest(DAY, {}, publish=False), runner, declarations=declared)
        for given, words in (("", "no archive key is given"), (new_key(), "another one is given")):
            monkeypatch.setenv(VARIABLE, given)
            with pytest.raises(ArchiveKeyError, match=f"{words}.*Nothing was replaced.*move .*elsewhere"):
                rebuild_warehouse(run)
            assert encrypted.home.warehouse.read_bytes() == before
            assert encrypted.home.replaced == []
        monkeypatch.setenv(VARIABLE, f"{new_key()} {key}")
        assert states(rebuild_warehouse(run).outcome).items() >= {SURVEYS: "loaded", CLUB: "loaded"}.items()
    with duckdb.connect(str(encrypted.home.warehouse), read_only=True) as connection:
        assert connection.execute("SELECT count(value) FROM history.surveys__responses").fetchall() == [(2,)]
    assert lies_plain(encrypted) == []
    (snapshot,) = snapshots(encrypted)
    encrypted.home.warehouse.unlink()
    for given, words in (("", "no archive key is given"), (new_key(), "another one is given")):
        monkeypatch.setenv(VARIABLE, given)
        status = night(encrypted, {SURVEYS: None}, DAY)
        (failed,) = status.sources
        assert failed.state == "failed"
        for part in (words, SURVEYS, snapshot.id, keyring({VARIABLE: key}).keys[0].id, VARIABLE):
            assert part in failed.message


def test_a_file_is_checked_and_marked_with_a_key_too(origins, key, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(VARIABLE, key)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    marked = tmp_path / "marked.xlsx"
    assert command("check", str(origins[CLUB]), "--source", CLUB, "--annotated", str(marked)) == HELD
    assert "Attendance D4" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [marked]


# --- encrypting what lies plain -----------------------------------------------------------------------


def command(*arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    return end.value.code


def test_what_lies_plain_is_encrypted_and_stays_what_it_is(plain, declared, origins, monkeypatch, capsys):
    assert lies_plain(plain)
    before = pulled(plain, declared, origins)
    place = ("--home", str(plain.home.root))
    monkeypatch.setenv(VARIABLE, "")
    assert command("encrypt-archive", *place) == 1
    assert "opendistrict archive-key" in capsys.readouterr().err
    assert command("archive-key") == 0
    printed = capsys.readouterr()
    monkeypatch.setenv(VARIABLE, printed.out.strip())
    assert printed.out.strip() not in printed.err
    assert pulled(plain, declared, origins) == before  # plain snapshots stand
    assert key_ids(plain) == {None}
    assert command("encrypt-archive", *place, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "key_id": keyring().keys[0].id,
        "encrypted": 3,
        "already": 0,
        "problems": [],
        "others": [],
    }
    assert lies_plain(plain) == []
    assert all(Archive(plain.home, SURVEYS).verify(one) == [] for one in snapshots(plain))
    standing = stamps(plain.home.raw)
    assert command("encrypt-archive", *place) == 0
    assert "0 files encrypted, 3 were so already" in capsys.readouterr().out
    assert stamps(plain.home.raw) == standing
    assert pulled(plain, declared, origins) == before


@pytest.mark.parametrize("after", range(3))
@pytest.mark.parametrize("step", ["encrypt", "_note"])
def test_killed_in_between_the_same_call_completes_it(plain, declared, key, monkeypatch, step, after):
    monkeypatch.setenv(VARIABLE, key)
    calls = []

    def killed(do):
        def step(*arguments):
            do(*arguments)
            if len(calls) == after:
                raise KeyboardInterrupt
            calls.append(arguments)

        return step

    place = "warehouse.archive.encrypt" if step == "encrypt" else "warehouse.archive.Archive._note"
    with monkeypatch.context() as patch:
        patch.setattr(place, killed(encryption.encrypt if step == "encrypt" else Archive._note))
        with pytest.raises(KeyboardInterrupt):
            encrypt_archive(plain, declared)
    for name in (SURVEYS, CLUB):
        archive = Archive(plain.home, name)
        assert all(archive.verify(one) == [] for one in archive.snapshots())
    done = encrypt_archive(plain, declared)
    assert (done.encrypted + done.already, done.problems, done.others) == (3, [], [])
    assert lies_plain(plain) == []


def test_a_newer_key_takes_the_place_of_an_older_one(encrypted, declared, key, monkeypatch):
    newer = new_key()
    monkeypatch.setenv(VARIABLE, newer)
    missing = encrypt_archive(encrypted, declared, rotate=True)
    assert missing.encrypted == 0
    assert len(missing.problems) == 2  # one a snapshot
    assert all(keyring({VARIABLE: key}).keys[0].id in problem for problem in missing.problems)
    monkeypatch.setenv(VARIABLE, f"{newer} {key}")
    assert encrypt_archive(encrypted, declared).encrypted == 0  # not asked for
    assert encrypt_archive(encrypted, declared, rotate=True).encrypted == 3
    monkeypatch.setenv(VARIABLE, newer)
    assert key_ids(encrypted) == {keyring().keys[0].id}
    assert encrypt_archive(encrypted, declared, rotate=True).already == 3
    (snapshot,) = snapshots(encrypted)
    with encrypted.home.workspace("read") as folder:
        read = Archive(encrypted.home, SURVEYS).readable(snapshot, folder / "plain")
        assert any(ANSWER in path.read_text() for path in read.paths())
    assert lies_plain(encrypted) == []


def test_a_source_that_is_about_people_no_more_is_read_and_rotated_all_the_same(
    encrypted, declared, key, monkeypatch
):
    sources = {
        SURVEYS: declared.sources[SURVEYS].model_copy(update={"tables": declared.sources[SURVEYS].tables[:1]})
    }
    assert not sources[SURVEYS].is_about_people
    monkeypatch.setenv(VARIABLE, f"{new_key()} {key}")
    done = encrypt_archive(encrypted, replace(declared, sources=sources), rotate=True)
    assert (done.encrypted, done.problems) == (2, [])


def test_nothing_is_encrypted_while_a_run_is_under_way(plain, declared, key, monkeypatch):
    from warehouse.lease import Lease, LeaseHeldError

    monkeypatch.setenv(VARIABLE, key)
    with Lease(plain.home, "a night"), pytest.raises(LeaseHeldError):
        encrypting.encrypt_archive(plain, declared)
    monkeypatch.setenv(VARIABLE, "")
    with pytest.raises(ArchiveKeyError):
        encrypting.encrypt_archive(plain, declared)


# --- who else may see the key -------------------------------------------------------------------------


def test_prefects_server_is_not_given_the_key(tmp_path, key, monkeypatch):
    monkeypatch.setenv(VARIABLE, key)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    seen = {}

    def start(_, env, **__):
        seen.update(env)
        raise InterruptedError

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(InterruptedError), server.prefect_api(tmp_path):
        pass
    assert seen["PREFECT_HOME"]
    assert not [name for name, value in seen.items() if key in value]
