"""What is encrypted comes back as it was, and nothing that was changed is ever taken for it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import encryption
from warehouse.archive import Archive, ArchiveDamagedError, RawFile
from warehouse.archive_keys import FILE_VARIABLE, VARIABLE, ArchiveKeyError, is_given, keyring, new_key
from warehouse.encryption import EncryptedFileError, decrypt, encrypt
from warehouse.home import Home

CHUNK, TAG, HEADER = 64, 16, 65
DAY = date(2026, 11, 23)
CANARY = b"Aino Korhonen, Kalasatamankatu 1"


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch):
    """Nobody cuts the power here, and a busy disk takes a tenth of a second a file."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def key(text=None):
    return keyring({VARIABLE: text or new_key()}).keys[0]


@pytest.fixture
def small(monkeypatch):
    """Chunks so small that a short file has several."""
    monkeypatch.setattr(encryption, "_CHUNK", CHUNK)


def sealed(folder, content, by, context="a"):
    (folder / "plain").write_bytes(content)
    (folder / "sealed").unlink(missing_ok=True)
    encrypt(folder / "plain", folder / "sealed", by, context)
    return (folder / "sealed").read_bytes()


def opened(folder, content, by, context="a"):
    (folder / "sealed").write_bytes(content)
    (folder / "opened").unlink(missing_ok=True)
    decrypt(folder / "sealed", folder / "opened", by, context)
    return (folder / "opened").read_bytes()


def refused(folder, content, by, context="a"):
    """Whether it is refused, and nothing of it is left for anybody to use."""
    with suppress(EncryptedFileError):
        opened(folder, content, by, context)
        return False
    return not (folder / "opened").exists()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sealed")


def test_a_file_comes_back_whatever_its_size(folder):
    by = key()

    @settings(max_examples=60, deadline=None)
    @given(st.integers(1, 40), st.binary(max_size=300), st.text(max_size=20))
    def comes_back(size, content, context):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(encryption, "_CHUNK", size)
            stored = sealed(folder, content, by, context)
            assert opened(folder, stored, by, context) == content
            assert len(stored) == HEADER + len(content) + TAG * max(1, -(-len(content) // size))

    comes_back()


@pytest.mark.parametrize("size", [0, 1, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 3 << 16])
def test_a_file_comes_back_in_chunks_of_the_real_size(tmp_path, size):
    by, content = key(), os.urandom(size)
    assert opened(tmp_path, sealed(tmp_path, content, by), by) == content
    assert stat.S_IMODE((tmp_path / "opened").stat().st_mode) == 0o600


def test_every_bit_that_is_changed_is_seen(tmp_path, small):
    by = key()
    stored = sealed(tmp_path, os.urandom(3 * CHUNK // 2), by)
    for place in range(len(stored)):
        for bit in range(8):
            changed = bytearray(stored)
            changed[place] ^= 1 << bit
            assert refused(tmp_path, bytes(changed), by), f"bit {bit} of byte {place}"


@pytest.mark.parametrize("length", [0, CHUNK, 2 * CHUNK, 2 * CHUNK + 7])
def test_wherever_a_file_is_cut_off_or_goes_on_is_seen(tmp_path, small, length):
    by = key()
    stored = sealed(tmp_path, os.urandom(length), by)
    for end in range(len(stored)):
        assert refused(tmp_path, stored[:end], by), f"cut off after {end} bytes"
    for more in (b"\0", stored[HEADER:], stored):
        assert refused(tmp_path, stored + more, by)


def test_chunks_in_another_order_twice_missing_or_of_another_file_are_seen(tmp_path, small):
    by = key()

    def chunks(stored):
        return stored[:HEADER], [stored[at : at + CHUNK + TAG] for at in range(HEADER, len(stored), CHUNK + TAG)]

    content = os.urandom(4 * CHUNK)
    header, own = chunks(sealed(tmp_path, content, by))
    _, others = chunks(sealed(tmp_path, content, by))
    assert len(own) == 4
    assert set(own).isdisjoint(others)  # the same bytes encrypted twice have nothing in common
    for place in range(4):
        for other in range(4):
            exchanged = list(own)
            exchanged[place], exchanged[other] = own[other], own[place]
            assert place == other or refused(tmp_path, header + b"".join(exchanged), by)
            assert refused(tmp_path, header + b"".join([*own[:place], own[other], *own[place:]]), by)
        assert refused(tmp_path, header + b"".join(own[:place] + own[place + 1 :]), by)
        assert refused(tmp_path, header + b"".join([*own[:place], others[place], *own[place + 1 :]]), by)


def test_a_file_is_no_other_file_and_under_no_other_key(tmp_path):
    by = key()
    stored = sealed(tmp_path, CANARY, by, "surveys/2026-11-23-abc/a.csv")
    assert CANARY not in stored
    assert refused(tmp_path, stored, by, "surveys/2026-11-23-abc/b.csv")
    assert refused(tmp_path, stored, key(), "surveys/2026-11-23-abc/a.csv")


def test_what_is_there_already_is_not_written_over(tmp_path):
    (tmp_path / "plain").write_bytes(b"new")
    (tmp_path / "there").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        encrypt(tmp_path / "plain", tmp_path / "there", key(), "a")
    assert (tmp_path / "there").read_bytes() == b"old"


def test_what_cannot_be_read_back_is_no_encrypted_file(tmp_path, monkeypatch):
    def broken(*_):
        raise EncryptedFileError
        yield

    monkeypatch.setattr(encryption, "decrypted", broken)
    with pytest.raises(OSError, match="Input/output error"):
        sealed(tmp_path, CANARY, key())
    assert not (tmp_path / "sealed").exists()


# --- keys -----------------------------------------------------------------------------------------


def test_a_key_shows_its_id_only_and_the_newest_goes_first(tmp_path):
    texts = [new_key() for _ in range(3)]
    (tmp_path / "keys").write_text(f"# the newest first\n{texts[0]}\n{texts[1].rstrip('=')},{texts[2]}\n")
    for environment in ({VARIABLE: " ".join(texts)}, {FILE_VARIABLE: str(tmp_path / "keys")}):
        assert is_given(environment)
        given = keyring(environment)
        assert [one.id for one in given.keys] == [key(text).id for text in texts]
        assert given.find(key(texts[2]).id) == key(texts[2])
        assert given.find("0" * 16) is None
        for text, one in zip(texts, given.keys, strict=True):
            assert text[:8] not in repr(given)
            assert one.secret.hex()[:8] not in repr(given)
            assert one.id in repr(given)
    assert not is_given({VARIABLE: " "})
    assert keyring({}).keys == ()


@pytest.mark.parametrize("wrong", ["hunter2-hunter2", "ä" * 44, "A" * 42, "A" * 42 + "B", "A" * 88, "!" * 44])
def test_what_is_no_key_is_said_and_not_repeated(tmp_path, wrong):
    (tmp_path / "keys").write_text(wrong)
    for environment in ({VARIABLE: wrong}, {FILE_VARIABLE: str(tmp_path / "keys")}):
        with pytest.raises(ArchiveKeyError, match="no archive key") as said:
            keyring(environment)
        assert wrong[:6] not in str(said.value)
        assert said.value.__cause__ is None
        assert said.value.__suppress_context__ or said.value.__context__ is None


def test_a_file_of_keys_that_is_not_there_or_empty_is_said(tmp_path):
    (tmp_path / "empty").write_text("# nothing yet\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xfd")
    for name, words in (("none", "cannot be read"), ("empty", "holds no key"), ("bytes", "is no text")):
        with pytest.raises(ArchiveKeyError, match=words):
            keyring({FILE_VARIABLE: str(tmp_path / name)})
    with pytest.raises(ArchiveKeyError, match="both set"):
        keyring({VARIABLE: new_key(), FILE_VARIABLE: str(tmp_path / "empty")})


# --- the archive ----------------------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, new_key())
    return Archive(Home(tmp_path / "home"), "surveys", about_people=True)


def put(archive, content=CANARY, name="a.csv", day=DAY):
    with archive.home.workspace("pull") as folder:
        (folder / "files").mkdir()
        (folder / "files" / name).write_bytes(content)
        return archive.keep(folder / "files", [name], day=day, origin="/inbox/a.csv")


def plain_bytes(archive, snapshot, name="a.csv"):
    with archive.home.workspace("read") as folder:
        (path,) = archive.readable(snapshot, folder / "plain").paths()
        assert path.name == name
        return path.read_bytes()


def holders(home, needle=CANARY):
    return [
        str(path.relative_to(home.root))
        for path in home.root.rglob("*")
        if path.is_file()
        if needle in path.read_bytes()
    ]


def test_a_file_is_known_by_what_came_and_lies_here_encrypted(archive):
    snapshot = put(archive)
    (file,) = snapshot.files
    assert (file.name, file.size) == ("a.csv", len(CANARY))
    assert file.kept.key_id == key(os.environ[VARIABLE]).id
    assert holders(archive.home) == []
    assert plain_bytes(archive, snapshot) == CANARY
    assert archive.snapshots() == [snapshot]
    assert put(archive) == snapshot  # the same bytes are not kept twice
    with pytest.raises(ValueError, match="readable"):
        snapshot.paths()


def test_its_soundness_is_seen_without_a_key_and_its_content_is_not(archive, monkeypatch):
    snapshot = put(archive)
    own = key(os.environ[VARIABLE]).id
    monkeypatch.delenv(VARIABLE)
    assert archive.verify(snapshot) == []
    with pytest.raises(ArchiveKeyError) as none:
        plain_bytes(archive, snapshot)
    monkeypatch.setenv(VARIABLE, new_key())
    with pytest.raises(ArchiveKeyError) as wrong:
        plain_bytes(archive, snapshot)
    for said in (str(none.value), str(wrong.value)):
        assert all(part in said for part in ("surveys", snapshot.id, own, VARIABLE))
    assert "no archive key is given" in str(none.value)
    assert "another one is given" in str(wrong.value)
    place = snapshot.place(snapshot.files[0])
    place.write_bytes(place.read_bytes()[:-1] + b"x")
    assert archive.verify(snapshot) == ["a.csv"]
    with pytest.raises(ArchiveDamagedError):
        archive.require_whole(snapshot)
    assert not place.exists()
    assert put(archive, b"other") != snapshot


def test_an_encrypted_file_of_another_snapshot_is_none_though_its_sum_is_noted(archive):
    first, second = put(archive, b"of the first"), put(archive, b"of the other", day=date(2026, 11, 24))
    theirs = second.files[0].kept
    (second.folder / theirs.name).rename(first.folder / theirs.name)
    forged = type(first)(
        first.source,
        first.date,
        first.origin,
        (RawFile("a.csv", first.files[0].sha256, 12, None, theirs),),
        first.folder,
    )
    assert forged.id == first.id
    assert archive.verify(forged) == []
    with pytest.raises(ArchiveDamagedError, match="cannot be decrypted, though its key"):
        plain_bytes(archive, forged)


def test_what_is_not_about_people_stays_as_it_came(archive):
    other = Archive(archive.home, "companies_house")
    snapshot = put(other, b"a register")
    assert [path.read_bytes() for path in snapshot.paths()] == [b"a register"]
    assert other.readable(snapshot, archive.home.root / "unused") is snapshot


def test_a_forgotten_key_lets_nothing_plain_lie_beside_what_is_encrypted(archive, monkeypatch):
    snapshot = put(archive)
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(ArchiveKeyError, match="nothing new is put there"):
        put(archive, b"new", day=date(2026, 11, 24))
    assert archive.snapshots() == [snapshot]
    assert put(archive) == snapshot


def test_a_bad_key_is_said_when_it_is_needed(archive, monkeypatch):
    monkeypatch.setenv(VARIABLE, "no key at all")
    with pytest.raises(ArchiveKeyError, match="no archive key"):
        put(archive)
    assert put(Archive(archive.home, "companies_house"), b"a register")


@pytest.mark.parametrize("content", [CANARY, b"less than came"])
@pytest.mark.parametrize("is_encrypted", [True, False])
def test_other_bytes_lie_in_a_files_stead_under_its_name_and_sum(archive, monkeypatch, content, is_encrypted):
    if not is_encrypted:
        monkeypatch.delenv(VARIABLE)
    before = put(archive)
    with archive.home.workspace("replace") as folder:
        (folder / "new").write_bytes(content)
        after = archive.replace(before, "a.csv", folder / "new")
    assert (after.id, after.files[0].sha256) == (before.id, before.files[0].sha256)
    assert archive.snapshots() == [after]
    assert archive.verify(after) == []
    assert plain_bytes(archive, after) == content
    assert holders(archive.home, CANARY) == (
        [] if is_encrypted or content != CANARY else [f"raw/surveys/{after.id}/a.csv"]
    )
    assert len(list(after.folder.iterdir())) == 2


@pytest.mark.parametrize("killed_in", ["encrypt", "_note", "unlink"])
def test_killed_while_a_file_is_replaced_it_is_the_old_or_the_new_one(archive, monkeypatch, killed_in):
    text = os.environ.pop(VARIABLE)
    snapshot = put(archive)
    monkeypatch.setenv(VARIABLE, text)

    def kill(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, archive.home.workspace("replace") as folder:
        (folder / "new").write_bytes(CANARY)
        if killed_in == "encrypt":
            patch.setattr("warehouse.archive.encrypt", kill)
        elif killed_in == "_note":
            patch.setattr(Archive, "_note", kill)
        else:
            unlink = type(folder).unlink
            patch.setattr(
                type(folder),
                "unlink",
                lambda path, **how: kill() if path.parent == snapshot.folder else unlink(path, **how),
            )
        with pytest.raises(KeyboardInterrupt):
            archive.replace(snapshot, "a.csv", folder / "new")
    (stands,) = archive.snapshots()
    assert archive.verify(stands) == []
    assert plain_bytes(archive, stands) == CANARY
    if killed_in == "unlink":
        assert holders(archive.home) == [f"raw/surveys/{stands.id}/a.csv"]
    archive.tidy(stands)
    assert len(list(stands.folder.iterdir())) == 2
    assert holders(archive.home) == ([f"raw/surveys/{stands.id}/a.csv"] if killed_in != "unlink" else [])


def test_what_was_set_aside_goes_when_the_file_is_whole_again_and_what_is_not_ours_stays(archive):
    snapshot = put(archive)
    place = snapshot.place(snapshot.files[0])
    content = place.read_bytes()
    place.write_bytes(b"damaged")
    with pytest.raises(ArchiveDamagedError):
        archive.require_whole(snapshot)
    (snapshot.folder / "note.txt").write_text("put here by hand")
    assert [path.name for path in archive.tidy(snapshot)] == [f"{place.name}.damaged", "note.txt"]
    place.write_bytes(content)
    assert [path.name for path in archive.tidy(snapshot)] == ["note.txt"]
    assert archive.verify(snapshot) == []


def test_what_may_be_kept_no_longer_goes_with_what_was_set_aside(archive):
    snapshot = put(archive)
    place = snapshot.place(snapshot.files[0])
    (snapshot.folder / "a.csv.damaged").write_bytes(CANARY)
    archive.erase({snapshot.id: ["a.csv"]}, date(2028, 11, 23))
    assert not place.exists()
    assert holders(archive.home) == []
    (left,) = archive.snapshots()
    assert (left.files[0].erased, left.files[0].kept.key_id) == ("2028-11-23", key(os.environ[VARIABLE]).id)
    assert archive.readable(left, archive.home.root / "unused") is left
