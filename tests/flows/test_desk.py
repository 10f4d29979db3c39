"""The desk without a browser: who gets in, what is taken, what nobody else sees, how long anything lies there."""

import asyncio
import io
import os
import pickle
import re
import signal
import stat
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from flows.checking import CheckedFile
from flows.cli import app
from flows.declarations import Declarations
from flows.desk import application as desk_module
from flows.desk.application import Desk, Limits
from flows.desk.guarding import HEADERS, LOOPBACK, Guard, host_of
from flows.desk.pages import language_asked
from flows.desk.sessions import SESSION_SECONDS, WRONG_SECONDS, WRONG_TOKENS, Sessions, WrongTokens
from flows.desk.tokens import is_valid, make_token, revoke_token, source_of_token
from flows.desk.uploads import KEPT_SECONDS, MOST_FILES, MOST_KEPT, UploadError, Uploads, safe_name
from flows.desk.workers import BusyError, Check, CheckDone, Mark, Stage, WorkError, Workers, do_job
from flows.errors import FaultLog, RequestError
from flows.telling import told_of
from sources.workbooks.inbox import SUFFIXES
from tests import workbook_factory as factory
from tests.flows import light_worker
from warehouse.declarations import Severity
from warehouse.findings import WITHHELD, Finding
from warehouse.home import Home
from warehouse.ledger import Verdict
from warehouse.messages import Language, message

SOURCE, OTHER = "agile_pilots", "kalasatama"
CONTENT = b"Pilot ID,Pilot\r\np1,One\r\n"
FORMULA = '=HYPERLINK("http://evil.example")<script>alert(1)</script>'


@pytest.fixture(scope="module")
def declared():
    return Declarations.read()


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


class QuickWorkers:
    """In place of processes: says what it is told to say of every file."""

    def __init__(self, declared):
        self.declared = declared
        self.verdict = Verdict.PARTIAL
        self.findings = (
            Finding("type", Severity.ERROR, message("“{value}” is wrong.", value=FORMULA), "Mend it.", "pilots",
                    "p.csv", None, 2, "pilot_name", FORMULA),
            Finding("required", Severity.ERROR, "It is missing.", "Write it.", "pilots", "p.csv", None, 2,
                    "contact_email", WITHHELD),
        )  # fmt: skip
        self.error = None
        self.gate = None
        self.jobs = []

    def start(self):
        pass

    def stop(self):
        pass

    async def run(self, job, told=lambda stage: None):
        self.jobs.append(job)
        if self.gate is not None:
            told(Stage.CHECKING)
            while not self.gate:
                await asyncio.sleep(0.01)
        if self.error is not None:
            raise self.error
        if isinstance(job, Mark):
            paths = [
                job.target if job.target.suffix else job.target / f"{p.stem}.xlsx"
                for p in job.checked.files.values()
            ]
            for path in paths:
                path.write_bytes(f"marked in {job.language}".encode())
            return paths
        files = {path.name: path for path in job.paths}
        checked = CheckedFile(
            job.source,
            self.declared.sources[job.source],
            self.verdict,
            {"pilots": 3},
            {"pilots": 2},
            self.findings,
            files,
        )
        return CheckDone(checked, told_of(checked))


@pytest.fixture
def workers(declared):
    return QuickWorkers(declared)


@pytest.fixture
def desk(home, declared, workers):
    sources = {name: one for name, one in declared.sources.items() if one.kind == "workbook"}
    return Desk(home, sources, workers, limits=Limits(most_bytes=100_000, patience_seconds=5))


@pytest.fixture
def server(desk, home):
    """The desk behind its guard."""
    return Guard(desk.application(), LOOPBACK, FaultLog(home, "desk"))


@pytest.fixture
def client(server):
    with TestClient(server, base_url="http://127.0.0.1:8765", follow_redirects=False) as client:
        yield client


class Coordinator:
    """A browser that holds the token of a source."""

    def __init__(self, client, home, source=SOURCE, token=None):
        self.http, self.token = client, token or make_token(home, source)
        answer = client.post("/enter", data={"token": self.token})
        assert answer.status_code == 303
        self.cookie = {"cookie": f"desk={answer.cookies['desk']}"}
        client.cookies.clear()
        self.csrf = re.search(r'name="csrf" value="([^"]+)"', self.get("/").text)[1]

    def get(self, path, **headers):
        return self.http.get(path, headers={**self.cookie, **headers})

    def post(self, path, headers=(), csrf=None, **more):
        return self.http.post(
            path,
            data={"csrf": self.csrf if csrf is None else csrf},
            headers={**self.cookie, **dict(headers)},
            **more,
        )

    def bring(self, *files, **more):
        files = files or (("p.csv", CONTENT),)
        return self.post("/files", files=[("file", file) for file in files], **more)

    def brought(self, *files):
        answer = self.bring(*files)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


@pytest.fixture
def anna(client, home):
    return Coordinator(client, home)


# --- tokens -----------------------------------------------------------------------------------------


def test_only_a_hash_of_a_token_is_kept_and_only_its_owner_reads_it(home):
    token = make_token(home, SOURCE)
    path = home.root / "desk-tokens.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token not in path.read_text()
    assert source_of_token(home, token) == SOURCE
    assert [source_of_token(home, wrong) for wrong in ("", token[:-1], token + "x", "ä" * 300)] == [None] * 4


def test_a_new_token_voids_the_old_one_and_of_no_other_source(home):
    old, other = make_token(home, SOURCE), make_token(home, OTHER)
    new = make_token(home, SOURCE)
    assert [source_of_token(home, token) for token in (old, new, other)] == [None, SOURCE, OTHER]
    assert revoke_token(home, SOURCE)
    assert not revoke_token(home, SOURCE)
    assert [source_of_token(home, token) for token in (new, other)] == [None, OTHER]
    assert not is_valid(home, SOURCE, "0" * 64)


@pytest.mark.parametrize("content", ["{", "[]", '"x"'])
def test_a_damaged_list_of_tokens_is_told(home, content):
    home.root.mkdir()
    (home.root / "desk-tokens.json").write_text(content)
    with pytest.raises(RequestError, match="make new tokens"):
        source_of_token(home, "x")


def test_the_command_prints_a_token_once(home):
    def run(*arguments, code=0):
        result = CliRunner().invoke(app, ["desk-token", *arguments, "--home", str(home.root)])
        assert result.exit_code == code, result.output
        return result.stdout

    token = run(SOURCE).strip()
    assert source_of_token(home, token) == SOURCE
    assert "void now" in run(SOURCE, "--revoke")
    assert "had no token" in run(SOURCE, "--revoke")
    run("companies_house", code=2)  # nobody hands that in
    run("nobody", code=2)


# --- who gets in ------------------------------------------------------------------------------------


def test_without_a_token_there_is_nothing_but_the_way_in(client, anna):
    place = anna.brought()
    assert "Your token" in client.get("/").text
    for path in (place, f"{place}/state", f"{place}/marked"):
        assert client.get(path).status_code == 404
    for path in ("/files", f"{place}/hand-in", f"{place}/delete", "/leave"):
        assert client.post(path, data={"csrf": anna.csrf}).status_code == 403


def test_wrong_tokens_are_refused_and_after_some_even_right_ones(client, home, desk):
    token = make_token(home, SOURCE)
    for _ in range(WRONG_TOKENS):
        answer = client.post("/enter", data={"token": "wrong"})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    answer = client.post("/enter", data={"token": token})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= WRONG_SECONDS + 1
    assert "Liian monta" in client.post("/enter?language=fi", data={"token": token}).text


def test_an_address_may_try_again_later_and_others_meanwhile():
    now = [0.0]
    wrong = WrongTokens(lambda: now[0])
    for _ in range(WRONG_TOKENS):
        assert wrong.wait("a") == 0
        wrong.note("a")
    assert wrong.wait("a") == WRONG_SECONDS
    assert wrong.wait("b") == 0
    now[0] = WRONG_SECONDS + 1
    assert wrong.wait("a") == 0


def test_the_cookie_is_no_ones_but_the_servers(client, home):
    answer = client.post("/enter", data={"token": f"  {make_token(home, SOURCE)}\n"})
    said = answer.headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert "path=/" in said


def test_behind_https_the_cookie_goes_over_nothing_else(home, declared, workers):
    desk = Desk(home, {SOURCE: declared.sources[SOURCE]}, workers, is_secure=True)
    with TestClient(desk.application(), base_url="https://desk.example.org", follow_redirects=False) as client:
        answer = client.post("/enter", data={"token": make_token(home, SOURCE)})
    assert "secure" in answer.headers["set-cookie"].lower()


def test_what_belongs_to_a_void_token_is_swept_away(home, desk, anna):
    anna.brought()
    desk.sweep()
    assert len(uploads_in(home)) == 1
    make_token(home, SOURCE)
    desk.sweep()
    assert uploads_in(home) == []


def test_a_revoked_token_ends_its_sessions_and_deletes_their_files(client, home, anna):
    place = anna.brought()
    revoke_token(home, SOURCE)
    assert anna.get(place).status_code == 404
    assert "Your token" in anna.get("/").text
    assert uploads_in(home) == []


def test_a_session_ends_by_itself():
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    session = sessions.begin(SOURCE, "0", None)
    now[0] = SESSION_SECONDS - 1
    assert sessions.find(session.id) is session
    now[0] += SESSION_SECONDS - 1
    assert sessions.find(session.id) is session  # it was used meanwhile
    now[0] += SESSION_SECONDS + 1
    assert sessions.find(session.id) is None


@pytest.mark.parametrize("path", ["/files", "{place}/hand-in", "{place}/delete", "/leave"])
@pytest.mark.parametrize(
    ("csrf", "headers"),
    [
        ("", {}),
        ("wrong", {}),
        ("ä", {}),
        (None, {"origin": "http://evil.example"}),
        (None, {"origin": "http://127.0.0.1:9999"}),
        (None, {"sec-fetch-site": "cross-site"}),
        (None, {"sec-fetch-site": "same-site", "origin": "null"}),
    ],
)
def test_a_form_of_another_page_does_nothing(anna, home, path, csrf, headers):
    place = anna.brought()
    more = {"files": [("file", ("q.csv", CONTENT))]} if path == "/files" else {}
    answer = anna.post(path.format(place=place), headers=headers, csrf=csrf, **more)
    assert answer.status_code == 403
    assert anna.get(place).status_code == 200
    assert len(uploads_in(home)) == 1
    assert not home.inbox.exists()


def test_nobody_is_logged_in_from_another_page(client, home):
    answer = client.post(
        "/enter", data={"token": make_token(home, SOURCE)}, headers={"origin": "http://evil.example"}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("source", [SOURCE, OTHER])
def test_nothing_of_one_coordinator_is_seen_by_another(client, home, anna, source):
    place = anna.brought(("secret.csv", CONTENT))
    bert = Coordinator(client, home, source, anna.token if source == SOURCE else None)
    for path in (place, f"{place}/state", f"{place}/marked?number=0"):
        assert bert.get(path).status_code == 404
    for path in (f"{place}/hand-in", f"{place}/delete"):
        assert bert.post(path).status_code == 404
    assert "secret" not in bert.get("/").text
    assert len(uploads_in(home)) == 1


# --- what every answer has --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "localhost@evil.example:1"]
)
def test_under_another_name_nothing_is_answered(client, host):
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "token" not in answer.text


@pytest.mark.parametrize("host", ["localhost:8765", "[::1]:8765", "127.0.0.1", "LOCALHOST"])
def test_under_its_own_names_it_answers(client, host):
    assert client.get("/", headers={"host": host}).status_code == 200


def test_hosts_are_read_as_a_browser_reads_them():
    given = ("a:1", "[::1]:2", "A.b", "", "x]:[")
    assert [host_of(one) for one in given] == ["a", "::1", "a.b", "", ""]


def test_every_answer_has_the_headers(client, anna):
    place = anna.brought()
    paths = ("/", "/desk.css", "/desk.js", "/nothing", "/files/x", place, f"{place}/marked", f"{place}/state")
    answers = [anna.get(path) for path in paths]
    answers += [client.get("/", headers={"host": "evil.example"}), client.post("/enter", data={"token": "x"})]
    for answer in answers:
        assert {name: answer.headers[name] for name, _ in HEADERS} == dict(HEADERS)
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/files", "/static/", "/../desk-tokens.json", "/files/..%2f..", "/desk/", "/docs"]
)
def test_there_is_no_listing_and_no_other_file(anna, path):
    assert anna.get(path).status_code in (404, 405)


def test_the_pages_ask_nobody_else_and_carry_no_script_of_their_own(anna):
    place = anna.brought()
    for page in (anna.get("/").text, anna.get(place).text):
        assert not re.search(r"https?://", page.replace(FORMULA, "").replace("http://evil.example", ""))
        assert re.findall(r"<script[^>]*>", page) == ['<script src="/desk.js" defer>']
        assert "style=" not in page


def test_a_fault_of_the_program_is_told_calmly_and_noted_without_its_words(client, home, anna, monkeypatch):
    quoted = "Ada Lovelace, 040 123 4567"

    def broken(*arguments, **named):
        raise ValueError(quoted)

    monkeypatch.setattr(desk_module, "render", broken)
    answer = anna.get("/")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    log = (home.logs / "desk.log").read_text()
    assert "ValueError" in log
    assert "Lovelace" not in log + answer.text


def test_the_log_holds_no_names_ids_or_tokens(anna, capfd):
    place = anna.brought(("secret-name.csv", CONTENT))
    anna.get(f"{place}/marked?number=0")
    anna.get(f"{place}?language=fi")
    said = capfd.readouterr().err
    assert "GET marked_copy 200" in said
    for secret in ("secret-name", place.rpartition("/")[2], anna.csrf, anna.cookie["cookie"].partition("=")[2]):
        assert secret not in said


# --- files ------------------------------------------------------------------------------------------


def uploads_in(home):
    return [path for path in (home.root / "desk").iterdir() if path.is_dir()]


def test_the_verdict_comes_first_and_nothing_of_a_file_is_taken_for_html(anna):
    page = anna.get(anna.brought()).text
    assert page.index("It would go on, with gaps") < page.index("Get the marked copy") < page.index("To mend")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert WITHHELD not in page
    assert "Mend it." in page
    assert "Pilots: 2 of 3 rows." in page


def test_a_file_is_told_in_finnish_too(anna):
    place = anna.brought()
    page = anna.get(f"{place}?language=fi").text
    assert '<html lang="fi">' in page
    assert "Se otettaisiin käyttöön puutteellisena" in page
    assert "Korjattavaa" in anna.get(place).text  # it stays so
    assert "It would go on" in anna.get(f"{place}?language=en").text
    assert "It would go on" in anna.get(f"{place}?language=xx").text


def test_the_language_is_what_was_chosen_else_what_the_browser_reads_else_the_sources():
    asked = [
        language_asked("fi", "en", Language.ENGLISH),
        language_asked(None, "sv, fi-FI;q=0.8, en;q=0.9", Language.FINNISH),
        language_asked(None, "fi;q=x, FI", Language.ENGLISH),
        language_asked("xx", "sv, de", Language.FINNISH),
        language_asked(None, "fi;q=0", Language.ENGLISH),
    ]
    fi, en = Language.FINNISH, Language.ENGLISH
    assert asked == [fi, en, fi, fi, en]


def test_the_marked_copy_is_kept_by_the_browser_not_shown(anna, workers):
    place = anna.brought(('kokeilut ä".csv', CONTENT))
    answer = anna.get(f"{place}/marked?number=0")
    assert answer.content == b"marked in en"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''kokeilut%20%C3%A4")
    assert anna.get(f"{place}/marked?number=0&language=fi").content == b"marked in fi"
    anna.get(f"{place}/marked?number=0")
    assert sum(isinstance(job, Mark) for job in workers.jobs) == 2  # each once
    for number in ("1", "-1", "x", "../0"):
        assert anna.get(f"{place}/marked?number={number}").status_code == 404


def test_exactly_what_was_checked_is_handed_in_and_once(anna, home):
    place = anna.brought(("../../my pilots.CSV", CONTENT))
    for _ in range(2):
        assert anna.post(f"{place}/hand-in").status_code == 303
    (path,) = (home.inbox / SOURCE).iterdir()
    assert path.name == "my pilots.CSV"
    assert path.read_bytes() == CONTENT
    assert "Handed in" in anna.get(place).text
    assert "handed in" in anna.get("/").text
    before = path.stat().st_mtime_ns
    anna.post(f"{place}/hand-in")
    assert path.stat().st_mtime_ns == before
    better = anna.brought(("my pilots.CSV", CONTENT + b"p2,Two\r\n"))
    anna.post(f"{better}/hand-in")
    assert [one.read_bytes() for one in (home.inbox / SOURCE).iterdir()] == [CONTENT + b"p2,Two\r\n"]


def test_a_file_that_changed_since_is_not_handed_in(anna, home):
    place = anna.brought()
    (folder,) = uploads_in(home)
    (folder / "p.csv").write_bytes(CONTENT + b"p9,Nine\r\n")
    answer = anna.post(f"{place}/hand-in")
    assert answer.status_code == 409
    assert "not any more what was checked" in answer.text
    assert list((home.inbox / SOURCE).iterdir()) == []


def test_what_could_not_be_checked_cannot_be_handed_in(anna, workers, home):
    workers.error = WorkError(message("The file did not come through. Try again."))
    place = anna.brought()
    assert "did not come through" in anna.get(place).text
    assert "ei tullut perille" in anna.get(f"{place}?language=fi").text
    assert anna.post(f"{place}/hand-in").status_code == 404
    assert anna.get(f"{place}/marked").status_code == 404
    workers.error = BusyError()
    assert "Monia" in (page := anna.get(anna.brought()).text) or "monia tiedostoja" in page


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "No file was chosen"),
        ([("p.exe", CONTENT)], "no file that can be read"),
        ([("p.xlsx.html", CONTENT)], "no file that can be read"),
        ([("noending", CONTENT)], "no file that can be read"),
        ([("p.csv", b"")], "empty"),
        ([("p.csv", CONTENT), ("p.csv", CONTENT)], "same name"),
        ([("p.csv", CONTENT), ("p.xlsx", CONTENT)], "one workbook"),
        ([(f"{n}.csv", CONTENT) for n in range(MOST_FILES + 1)], "At most"),
    ],
)
def test_what_is_no_file_of_a_workbook_is_not_taken(anna, home, files, words):
    answer = anna.post("/files", files=[("file", file) for file in files] or [("other", ("x.csv", CONTENT))])
    assert answer.status_code == 400
    assert words in answer.text
    assert uploads_in(home) == []
    assert anna.brought()  # and nothing is blocked by it


def test_too_much_is_not_taken_whatever_it_says_of_its_size(anna, home):
    large = CONTENT * 10_000
    assert anna.bring(("p.csv", large)).status_code == 413

    def streamed():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\n\r\n'
        for _ in range(100):
            yield b"x" * 10_000

    headers = {**anna.cookie, "content-type": "multipart/form-data; boundary=x"}
    answer = anna.http.post("/files", content=streamed(), headers=headers)
    assert answer.status_code == 413
    assert uploads_in(home) == []
    assert anna.post("/leave", headers={}, csrf="x" * 100_000).status_code == 413


def test_a_form_that_is_none_is_told(anna):
    headers = {**anna.cookie, "content-type": "multipart/form-data; boundary=x"}
    assert anna.http.post("/files", content=b"--y nonsense", headers=headers).status_code in (400, 403)
    assert (
        anna.http.post("/files", content=b"", headers={**anna.cookie, "content-type": "text/plain"}).status_code
        == 403
    )


def test_one_file_at_a_time_a_token_and_the_server_answers_meanwhile(anna, client, home, workers):
    workers.gate = False
    script = {"accept": "application/json"}
    answer = anna.bring(headers=script)
    assert answer.status_code == 202
    place = answer.json()["page"]
    assert "Being checked" in anna.get(place).text
    assert anna.get(f"{place}/state").json()["done"] is False
    refused = anna.bring(headers=script)
    assert refused.status_code == 409
    assert "already" in refused.json()["problem"]
    bert = Coordinator(client, home, OTHER)
    assert bert.bring(headers=script).status_code == 202  # of another source: not held up
    workers.gate = True
    for _ in range(200):
        if anna.get(f"{place}/state").json()["done"]:
            break
        time.sleep(0.01)
    assert anna.bring().status_code == 303


def test_leaving_and_deleting_delete(anna, home):
    first, second = anna.brought(), anna.brought()
    assert anna.post(f"{first}/delete").status_code == 303
    assert anna.get(first).status_code == 404
    assert len(uploads_in(home)) == 1
    assert anna.post("/leave").status_code == 303
    assert uploads_in(home) == []
    assert anna.get(second).status_code == 404


def test_a_copy_of_what_is_deleted_meanwhile_is_deleted_too(anna, home, desk, workers):
    place = anna.brought()
    run = workers.run

    async def deleted_meanwhile(job, told=None):
        (upload,) = desk.uploads.of(next(iter(desk.sessions.all())).id)
        desk.uploads.delete(upload)
        job.target.parent.mkdir(parents=True)
        return await run(job)

    workers.run = deleted_meanwhile
    assert anna.get(f"{place}/marked").status_code == 404
    assert uploads_in(home) == []


def test_what_a_killed_server_was_handing_in_is_deleted_at_the_start(home):
    inbox = home.inbox / SOURCE
    inbox.mkdir(parents=True)
    (inbox / ".p.csv.abcdefgh.unfinished").write_bytes(CONTENT)
    (inbox / "p.csv").write_bytes(CONTENT)
    uploads = Uploads(home, SUFFIXES)
    uploads.open()
    assert [one.name for one in inbox.iterdir()] == ["p.csv"]
    uploads.close()


def test_files_are_deleted_within_the_hour_and_at_the_start(home):
    now = [0.0]
    uploads = Uploads(home, SUFFIXES, lambda: now[0])
    uploads.open()
    kept = uploads.keep("anna", SOURCE, [("p.csv", io.BytesIO(CONTENT))])
    now[0] = KEPT_SECONDS - 1
    uploads.expire()
    assert kept.folder.is_dir()
    assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o700
    now[0] = KEPT_SECONDS + 1
    uploads.expire()
    assert uploads_in(home) == []
    assert KEPT_SECONDS + 120 < 3600
    uploads.keep("anna", SOURCE, [("p.csv", io.BytesIO(CONTENT))])
    with pytest.raises(RequestError, match="another desk"):
        Uploads(home, SUFFIXES).open()
    uploads._lock.close()  # killed: nothing was deleted
    assert len(uploads_in(home)) == 1
    later = Uploads(home, SUFFIXES)
    later.open()
    assert uploads_in(home) == []
    later.close()


def test_of_a_session_the_newest_files_are_kept(home):
    now = [0.0]
    uploads = Uploads(home, SUFFIXES, lambda: now[0])
    uploads.open()
    for number in range(MOST_KEPT + 2):
        now[0] += 1
        uploads.keep("anna", SOURCE, [(f"{number}.csv", io.BytesIO(CONTENT))]).stage = Stage.DONE
    uploads.keep("bert", SOURCE, [("b.csv", io.BytesIO(CONTENT))])
    assert [one.name for one in uploads.of("anna")] == [f"{n}.csv" for n in (6, 5, 4, 3, 2)]
    assert len(uploads_in(home)) == MOST_KEPT + 1
    uploads.close()
    assert uploads_in(home) == []


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("C:\\data\\Pilots 2026.xlsx", "Pilots 2026.xlsx"),
        ("../../etc/pass.csv", "pass.csv"),
        (".hidden.xlsx", "hidden.xlsx"),
        ("~$lock.xlsx", "__lock.xlsx"),
        ("a\r\nSet-Cookie: x.csv", "a_Set-Cookie_ x.csv"),
        ("ä" * 300 + ".xlsx", "ä" * 75 + ".xlsx"),
        ("\u202excod.csv", "xcod.csv"),
        ("=cmd|x.csv", "_cmd_x.csv"),
    ],
)
def test_a_name_is_made_safe(given, name):
    assert safe_name(given, SUFFIXES) == name
    assert len(name.encode()) < 200


@pytest.mark.parametrize("given", ["", ".", "..", "xlsx", "a.xls", "a.xlsx\0.exe"])
def test_a_name_of_nothing_that_is_read_is_refused(given):
    with pytest.raises(UploadError):
        safe_name(given, SUFFIXES)


# --- workers ----------------------------------------------------------------------------------------


class Told:
    """In place of the pipe to the server."""

    def __init__(self):
        self.stages = []

    def send(self, sent):
        self.stages.append(sent[1])


def test_a_job_is_a_check_or_a_marking(declared, tmp_path):
    path = factory.workbook_with_one_of_each_error(tmp_path / "p.xlsx")
    pipe = Told()
    done = do_job(Check((path,), SOURCE, tmp_path / "home"), declared, pipe)
    assert done.told.verdict is Verdict.PARTIAL
    assert len(done.told.mend) > 10
    assert (pipe.stages[0], pipe.stages[-1]) == (Stage.READING, Stage.CHECKING)
    assert not (tmp_path / "home").exists()
    done = pickle.loads(pickle.dumps(done))  # noqa: S301  # our own: it goes to the server and back
    marked = do_job(Mark(done.checked, tmp_path / "m.xlsx", Language.FINNISH), declared, pipe)
    assert marked == [tmp_path / "m.xlsx"]
    assert marked[0].is_file()


def test_a_check_says_which_source_a_file_rather_is_of(declared, tmp_path):
    path = factory.good_workbook(tmp_path / "p.xlsx")
    done = do_job(Check((path,), OTHER, tmp_path / "home"), declared, Told())
    assert done.told.verdict is Verdict.HELD
    assert done.other == "Agile pilots"


@contextmanager
def light(**more):
    """Workers that do what a file's name says, and how to ask them."""
    loop = asyncio.new_event_loop()
    workers = Workers(work=light_worker.work, **{"count": 1, "memory_bytes": 1 << 30, **more})

    async def ask(*names):
        if not workers._all:
            workers.start()
        jobs = [workers.run(Check((Path(name),), SOURCE, Path())) for name in names]
        return await asyncio.gather(*jobs, return_exceptions=True)

    yield lambda *names: loop.run_until_complete(ask(*names))
    workers.stop()
    loop.close()


def test_what_takes_too_long_dies_or_grows_is_told_and_stops_nothing_else(tmp_path):
    with light(seconds=5, folder=tmp_path) as ask:
        (first,) = ask("works")
        grown, second = ask("grows", "works")
        assert grown.args == ("too much",)
        assert second == first  # the same process: it outlived that
        died, third = ask("dies", "works")
        assert "ended before its time" in str(died)
        assert third != first
        assert [list(folder.iterdir()) for folder in tmp_path.iterdir()] == [[]]  # what it left is gone
    with light(seconds=0.5, folder=tmp_path) as ask:
        slow, other = ask("sleeps", "works")
        assert "took too long" in str(slow)
        assert isinstance(other, int)
    assert list(tmp_path.iterdir()) == []


def test_one_that_died_with_nothing_to_do_is_replaced_unseen(tmp_path):
    with light(folder=tmp_path) as ask:
        (first,) = ask("works")
        os.kill(first, signal.SIGKILL)
        time.sleep(0.5)
        (second,) = ask("works")
        assert isinstance(second, int)
        assert second != first
        assert len(list(tmp_path.iterdir())) == 1


def test_a_slow_file_holds_up_no_other_and_the_queue_has_an_end():
    with light(count=2, waiting=2, seconds=1) as ask:
        ask("naps", "naps")  # both are there
        slow, *others = ask("sleeps", "works", "works", "works", "works")
    assert isinstance(slow, WorkError)
    assert [type(one) for one in others] == [int, int, int, BusyError]


def test_the_page_names_no_path_of_the_machine(anna, home):
    assert str(home.root) not in anna.get(anna.brought()).text
    assert str(Path.cwd()) not in anna.get("/").text
