"""The verdict by e-mail: a real mail server on loopback takes what a night sends."""

import email
import email.policy
import socket
from contextlib import contextmanager
from datetime import date

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from flows import mailing
from flows.mailing import MailError, Server, addressees
from tests import workbook_factory as factory
from tests.flows import nights
from warehouse.declarations import DeclarationError

DAY = date(2026, 11, 23)
KEEPER = "keeper@example.org"


class Box:
    """Keeps what it takes, refuses the addresses it is told to refuse."""

    def __init__(self):
        self.taken, self.refused = [], set()

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        content = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.taken.append((envelope.rcpt_tos, content))
        return "250 OK"


@contextmanager
def mail_server(**options):
    box = Box()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port, **options)
    server.start()
    try:
        yield box, port
    finally:
        server.stop()


@pytest.fixture
def told(monkeypatch):
    with mail_server() as (box, port):
        monkeypatch.setenv("OPENDISTRICT_SMTP", f"smtp://127.0.0.1:{port}")
        monkeypatch.setenv("OPENDISTRICT_MAIL_FROM", "desk@example.org")
        yield box


def workbook(path, pilots):
    return factory.save(path, {"Pilots": factory.table(pilots), "Rounds": factory.table([factory.ROUND])})


def night(home, day, path):
    return nights.run(nights.settings_of(home), day, {"agile_pilots": path}, ("agile-pilots",))


def listed(home, text):
    home.mkdir(exist_ok=True)
    (home / mailing.FILE).write_text(text, encoding="utf-8")
    return home


def faulty():
    pilots = [factory.pilot(number) for number in range(1, 9)]
    pilots[2]["Grant (EUR)"] = "12.500"
    return pilots


def test_a_coordinator_is_told_once_what_to_mend_and_then_that_all_is_well(tmp_path, told):
    """What could not be sent is said without the address, and sent by the next run."""
    home = listed(tmp_path / "home", f"agile_pilots: {{to: [{KEEPER}], language: fi, attach: true}}\n")
    told.refused.add(KEEPER)
    first = night(home, DAY, workbook(tmp_path / "pilots.xlsx", faulty()))
    (source,) = [one for one in first.sources if one.name == "agile_pilots"]
    assert "could not be mailed" in source.notice
    assert KEEPER not in source.notice
    assert not told.taken
    told.refused.clear()
    night(home, date(2026, 11, 24), tmp_path / "pilots.xlsx")
    ((to, mail),) = told.taken
    body = mail.get_body().get_content()
    assert (to, mail["To"], mail["From"]) == ([KEEPER], KEEPER, "desk@example.org")
    assert "Nopeat kokeilut: 1 korjattava asia" in mail["Subject"]
    assert "23.11.2026 toimittamasi työkirja otettiin käyttöön, mutta ei kokonaan." in body
    assert "Pilots, rivi 4 (Grant (EUR))" in body
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "pilots-annotated.xlsx"
    night(home, date(2026, 11, 25), workbook(tmp_path / "mended.xlsx", [factory.pilot(n) for n in range(1, 9)]))
    assert [mail["Subject"] for _, mail in told.taken][1:] == ["Nopeat kokeilut: kaikki kunnossa"]
    for path in home.rglob("*"):
        if path.is_file() and path.name != mailing.FILE:
            assert KEEPER.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kalasatma: {to: [a@b.fi]}\n", "line 1: kalasatma: there is no such source; perhaps kalasatama is meant"),
        ("kalasatama:\n  to: [a@b.fi]\n  atach: true\n", "line 3: atach: there is no such key; perhaps attach"),
        ("kalasatama:\n  to: ['a@b.fi\\n Bcc: c@d.fi']\n", "to.0"),
        ("kalasatama:\n  to: ['a@=?utf-8?b?CkJjYzogYw==?=d.fi']\n", "to.0"),  # a line break, encoded
        ("kalasatama:\n  to: ['a@[d.fi']\n", "to.0"),
        ("kalasatama:\n  to: ['x:a@d.fi']\n", "to.0"),
        ("\na@d.fi: kalasatama\n", "line 2: an address stands where a source"),
        ("kalasatama:\n  to: [a@b.fi]\n  a@d.fi: 1\n", "line 3: an address stands where a source"),
        ("- kalasatama\n", "by source"),
    ],
)
def test_a_list_of_addressees_that_cannot_be_used_says_where(tmp_path, declared, text, words):
    with pytest.raises(DeclarationError) as raised:
        addressees(listed(tmp_path, text), declared.sources)
    assert words in str(raised.value)
    assert "d.fi" not in str(raised.value)


@pytest.fixture(scope="module")
def declared():
    from flows.declarations import Declarations

    return Declarations.read()


@pytest.mark.parametrize("address", ["mail.example.org", "smtp://a:secret@host", "http://host", "smtp://host:x"])
def test_an_address_of_a_server_that_cannot_be_used_is_told(address):
    with pytest.raises(MailError) as raised:
        Server.of({"OPENDISTRICT_SMTP": address, "OPENDISTRICT_MAIL_FROM": "a@b.fi"})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("sender", ["nobody", "a@b.fi\nBcc: c@d.fi", "=?utf-8?b?Cg==?=@b.fi"])
def test_a_sender_that_is_no_address_is_told(sender):
    with pytest.raises(MailError, match="OPENDISTRICT_MAIL_FROM"):
        Server.of({"OPENDISTRICT_SMTP": "smtp://host", "OPENDISTRICT_MAIL_FROM": sender})


def test_a_password_never_goes_out_without_encryption():
    seen = []

    def authenticator(server, session, envelope, mechanism, data):
        seen.append(data)
        return AuthResult(success=True)

    with mail_server(authenticator=authenticator, auth_require_tls=False) as (box, port):
        server = Server.of(
            {
                "OPENDISTRICT_SMTP": f"smtp://user@127.0.0.1:{port}",
                "OPENDISTRICT_SMTP_PASSWORD": "secret",
                "OPENDISTRICT_MAIL_FROM": "a@b.fi",
            }
        )
        assert "secret" not in repr(server)
        with pytest.raises(MailError, match="offers no encryption"):
            mailing._send(server, email.message.EmailMessage())
    assert not seen
    assert not box.taken
