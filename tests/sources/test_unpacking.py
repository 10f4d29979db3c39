"""Unpacking: what is good comes out whole, everything else is refused by name, and nothing is left behind."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources import SourceError
from sources.unpacking import UnpackingLimits, is_zip, look_into, unpack


def a_zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_member_comes_out_under_a_name_of_ours(tmp_path: Path) -> None:
    seen = []
    archive = a_zip(tmp_path / "in.zip", {"folder/Data.CSV": b"a,b\n1,2\n"})
    (member,) = unpack(archive, tmp_path / "out", observe=seen.append)
    assert member.path.read_bytes() == b"a,b\n1,2\n" == b"".join(seen)
    assert (member.name, member.path.name, member.size) == ("Data.CSV", "in-1.csv", 8)


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "..\\evil.csv", "C:\\evil.csv", "\\evil.csv"]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    archive = a_zip(tmp_path / "in.zip", {name: b"x"})
    with pytest.raises(SourceError, match="leads out"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "evil.csv").exists()


def test_a_link_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("link.csv")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(SourceError, match=r"link\.csv.*symbolic link"):
        unpack(tmp_path / "in.zip", tmp_path / "out")


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    archive = a_zip(tmp_path / "in.zip", {"a.csv": b"secret"})
    raw = bytearray(archive.read_bytes())
    raw[6] |= 1  # local header's flags
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1  # the directory's
    archive.write_bytes(raw)
    with pytest.raises(SourceError, match=r"a\.csv.*encrypted"):
        unpack(archive, tmp_path / "out")


def test_more_members_than_expected_are_refused(tmp_path: Path) -> None:
    archive = a_zip(tmp_path / "in.zip", {"a.csv": b"1", "b.csv": b"2"})
    with pytest.raises(SourceError, match="2 members"):
        unpack(archive, tmp_path / "out")
    assert len(unpack(archive, tmp_path / "out", limits=UnpackingLimits(members=2))) == 2
    with pytest.raises(SourceError, match="empty"):
        unpack(a_zip(tmp_path / "none.zip", {}), tmp_path / "out")


def test_bombs_are_refused_by_what_they_declare(tmp_path: Path) -> None:
    archive = a_zip(tmp_path / "in.zip", {"a.csv": bytes(30_000_000)})
    with pytest.raises(SourceError, match="bomb"):
        look_into(archive)
    with pytest.raises(SourceError, match="bomb"):
        unpack(archive, tmp_path / "out")
    with pytest.raises(SourceError, match="bomb"):
        unpack(archive, tmp_path / "out", limits=UnpackingLimits(ratio=10_000, total_bytes=1_000_000))
    assert unpack(archive, tmp_path / "out", limits=UnpackingLimits(ratio=10_000))[0].size == 30_000_000


def test_bombs_are_refused_by_what_comes_out(tmp_path: Path) -> None:
    archive = a_zip(tmp_path / "in.zip", {"a.csv": bytes(30_000_000)})
    raw = bytearray(archive.read_bytes())
    at = raw.rindex(b"PK\x01\x02") + 24
    raw[at : at + 4] = (100).to_bytes(4, "little")  # the directory says: 100 bytes
    archive.write_bytes(raw)
    with pytest.raises(SourceError):
        unpack(archive, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_wrong_checksum_names_file_and_member(tmp_path: Path) -> None:
    archive = a_zip(tmp_path / "in.zip", {"a.csv": b"hello,world\n" * 100}, zipfile.ZIP_STORED)
    raw = bytearray(archive.read_bytes())
    raw[60] ^= 0xFF
    archive.write_bytes(raw)
    with pytest.raises(SourceError, match=r"in\.zip.*a\.csv.*damaged"):
        unpack(archive, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (98, "PPMd"), (77, "one of its own")])
def test_a_way_of_packing_that_cannot_be_undone_is_named(tmp_path: Path, method: int, name: str) -> None:
    archive = a_zip(tmp_path / "in.zip", {"data.csv": b"a,b\n" * 50})
    content = bytearray(archive.read_bytes())
    for signature, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = content.index(signature) + place
        content[at : at + 2] = method.to_bytes(2, "little")
    archive.write_bytes(content)
    for attempt in (lambda: look_into(archive), lambda: unpack(archive, tmp_path / "out")):
        with pytest.raises(SourceError, match=rf"method {method} \({name}\).*not damaged.*zip it again"):
            attempt()


def test_a_folder_that_cannot_be_written_is_not_the_zips_fault(tmp_path: Path) -> None:
    archive = a_zip(tmp_path / "in.zip", {"data.csv": b"a,b\n"})
    (tmp_path / "out").write_text("a file where a folder should be")
    with pytest.raises(SourceError, match="cannot be unpacked into"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"<html>sorry</html>", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_rubbish_is_refused_with_advice(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rubbish.zip"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"rubbish\.zip"):
        unpack(path, tmp_path / "out")
    assert is_zip(path) == content.startswith(b"PK")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_archive_is_whole_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    whole = b"".join(b"line %d\r\n" % number for number in range(200))
    archive = a_zip(tmp_path / "in.zip", {"a.csv": whole})
    raw = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    archive.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    folder = tmp_path / "out"
    for path in folder.glob("*"):
        path.unlink()
    try:
        members = unpack(archive, folder)
    except SourceError:
        assert list(folder.glob("*")) == []
    else:
        assert [member.path.read_bytes() for member in members] == [whole]
