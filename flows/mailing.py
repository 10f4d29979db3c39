"""The verdict on what was handed in, by e-mail to whoever keeps it.

Where mail goes out is said by the environment (``OPENDISTRICT_SMTP``), who is told by a file in the home,
``coordinators.yaml``: addresses are personal data and stand in no declaration, log or report. A verdict is told
once: what was sent is remembered by snapshot and verdict. What could not be sent is said, and tried again by the
next run.
"""

from __future__ import annotations

import os
import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

from pydantic import Field

from flows.outcomes import NightOutcome, SourceOutcome
from flows.run import Run
from flows.settings import Secret
from warehouse import ledger
from warehouse.declarations import DeclarationError, Declared, SourceDeclaration, fault, nearest, parse, read_yaml
from warehouse.home import write_atomically
from warehouse.messages import Language, language_of
from warehouse.personal import find_personal
from warehouse.store import reader

if TYPE_CHECKING:
    from checks.letter import Letter
from warehouse.turns import OURS

FILE = "coordinators.yaml"
_SENT = ".mailed"  # in the outbox of a source: what was told last
_WAITING = "waiting:"
_WORKBOOK = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Nothing that a header reads as more than an address: brackets, comments, groups, encoded words (=?...?=).
_PLAIN_ADDRESS = r"^[\w!#$%&'*+/^`{|}~-]+(\.[\w!#$%&'*+/^`{|}~-]+)*@[\w-]+(\.[\w-]+)*$"
_Address = Annotated[str, Field(pattern=_PLAIN_ADDRESS)]
_SECONDS = 30


class MailError(Exception):
    """A mail could not be sent; the message names no address."""


class Addressee(Declared):
    """Who is told of a source: at which addresses, in which language, and whether the marked workbook goes along.

    A marked workbook holds whatever the one handed in holds, also contacts: it is sent only where that is wanted.
    """

    to: tuple[_Address, ...] = Field(min_length=1)
    attach: bool = False
    language: str | None = None  # by default the source's


@dataclass(frozen=True)
class Server:
    """Where mail goes out."""

    host: str
    port: int
    is_tls: bool  # from the first byte; else it is begun where the server offers it
    sender: str
    user: str = ""
    password: Secret = field(default_factory=Secret)

    @staticmethod
    def of(environment: Mapping[str, str] = os.environ) -> Server | None:
        """The server of ``OPENDISTRICT_SMTP`` (``smtp://user@host:587``, ``smtps://host``); None if there is none.

        Raises:
            MailError: it is no such address, or nobody is said to be the sender.
        """
        address = environment.get("OPENDISTRICT_SMTP", "")
        if not address:
            return None
        parts = urlsplit(address)
        try:
            port = parts.port
        except ValueError:
            port = 0
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or port == 0 or parts.password:
            raise MailError(
                "OPENDISTRICT_SMTP is not of the form smtp://user@host:587 or smtps://user@host; the password"
                " stands in OPENDISTRICT_SMTP_PASSWORD"
            )
        sender = environment.get("OPENDISTRICT_MAIL_FROM", "")
        if "@" not in sender or "=?" in sender or not sender.isprintable():
            raise MailError("OPENDISTRICT_MAIL_FROM has to say from which address mail is sent")
        is_tls = parts.scheme == "smtps"
        return Server(
            parts.hostname,
            port or (465 if is_tls else 587),
            is_tls,
            sender,
            unquote(parts.username or ""),
            Secret(environment.get("OPENDISTRICT_SMTP_PASSWORD", "")),
        )


def addressees(folder: Path, sources: Mapping[str, SourceDeclaration]) -> Mapping[str, Addressee]:
    """Who is told of which source, from the home's ``coordinators.yaml``; nobody if there is none.

    Raises:
        DeclarationError: the file cannot be used; with the line.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    content = read_yaml(path) or {}
    if not isinstance(content, dict):
        raise DeclarationError(f"{path}: it says by source to whom mail goes")
    found = {}
    for name, entry in content.items():
        if name not in sources:
            hint = nearest(str(name), sources)
            raise _without_address(path, fault(path, (name,), f"there is no such source{hint}"))
        try:
            found[name] = parse(Addressee, entry, f"{path}: {name}", path, (name,))
        except DeclarationError as error:
            raise _without_address(path, error) from None
    return found


def _without_address(path: Path, error: DeclarationError) -> DeclarationError:
    """The error, which is told in reports; one that would repeat an address says only where it stands."""
    if not find_personal(str(error)):
        return error
    lines = " and ".join(dict.fromkeys(re.findall(r"line \d+", str(error)))) or "line 1"
    return DeclarationError(f"{path}: {lines}: an address stands where a source or a key belongs")


def send_verdicts(run: Run, outcome: NightOutcome) -> NightOutcome:
    """Tell every coordinator what became of what she handed in, once; the outcome with what could not be sent."""
    try:
        server = Server.of()
        listed = addressees(run.settings.home.root, run.declarations.sources) if server else {}
    except (MailError, DeclarationError) as error:
        words = f"No verdict is mailed: {error}."
        return replace(outcome, sources=tuple(_noticed(one, words) for one in outcome.sources if one.snapshot))
    if server is None:
        return outcome
    sources = [
        _told(run, source, str(outcome.run_id), server, listed[source.name]) if source.name in listed else source
        for source in outcome.sources
    ]
    return replace(outcome, sources=tuple(sources))


def _told(run: Run, source: SourceOutcome, run_id: str, server: Server, addressee: Addressee) -> SourceOutcome:
    """Tell of one source, if there is anything that was not told."""
    snapshot = source.snapshot
    if snapshot is None:
        return source
    mark = run.settings.home.outbox / source.name / _SENT
    key = f"{snapshot.snapshot_id} {snapshot.verdict.value} {snapshot.run_id}"
    before = mark.read_text(encoding="utf-8") if mark.exists() else ""
    if before == key or (snapshot.run_id != run_id and not before.startswith(_WAITING)):
        return source
    declaration = run.declarations.sources[source.name]
    with reader(run.settings.home, run.settings.memory) as connection:
        listed = ledger.findings(connection, source.name, snapshot.snapshot_id)
    findings = [one for one in listed if one.rule not in OURS]  # those are not hers
    language = language_of(addressee.language) if addressee.language else declaration.language
    from checks.letter import letter  # imports what reads workbooks

    written = letter(declaration, snapshot, findings, _below(run, source.annotated), language)
    attached = Path(source.annotated) if addressee.attach and source.annotated else None
    try:
        refused = _send(server, _mail(server, addressee, written, language, attached))
    except MailError as error:
        mark.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(mark, f"{_WAITING} {key}".encode())
        return _noticed(source, f"The verdict could not be mailed: {error}. The next run tries again.")
    mark.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(mark, key.encode())  # also where some had it: they are not told every night
    if not refused:
        return source
    return _noticed(source, f"{server.host} refused {refused} of the addresses of {FILE}; the others were told.")


def _below(run: Run, path: str | None) -> str | None:
    return str(Path(path).relative_to(run.settings.home.root)) if path else None


def _noticed(source: SourceOutcome, words: str) -> SourceOutcome:
    return replace(source, notice=f"{source.notice} {words}".strip())


def _mail(
    server: Server, addressee: Addressee, written: Letter, language: Language, attached: Path | None
) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = server.sender
    mail["To"] = ", ".join(addressee.to)
    mail["Subject"] = " ".join(written.subject.split())
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain="opendistrict.invalid")
    mail["Content-Language"] = language.value
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers to it
    mail.set_content(written.body)
    if attached is not None:
        mail.add_attachment(
            attached.read_bytes(), maintype="application", subtype=_WORKBOOK, filename=attached.name
        )
    return mail


def _send(server: Server, mail: EmailMessage) -> int:
    """Hand a mail to the server. How many of several addresses it refused.

    Raises:
        MailError: it did not take it; in words that hold no address.
    """
    try:
        with _connected(server) as connection:
            if server.user:
                connection.login(server.user, server.password.reveal)
            refused = connection.send_message(mail)
    except smtplib.SMTPRecipientsRefused:
        raise MailError(f"{server.host} refused every address of {FILE}") from None
    except smtplib.SMTPAuthenticationError:
        raise MailError(f"{server.host} refused the user or the password") from None
    except smtplib.SMTPResponseException as error:
        raise MailError(f"{server.host} answered {error.smtp_code}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(f"{server.host} could not be reached ({type(error).__name__})") from None
    return len(refused)


def _connected(server: Server) -> smtplib.SMTP:
    """A connection, encrypted where the server offers it; a password never goes out without."""
    if server.is_tls:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_SECONDS, context=ssl.create_default_context())
    connection = smtplib.SMTP(server.host, server.port, timeout=_SECONDS)
    connection.ehlo_or_helo_if_needed()
    if connection.has_extn("starttls"):
        connection.starttls(context=ssl.create_default_context())
    elif server.password.reveal:
        connection.close()
        raise MailError(f"{server.host} offers no encryption, so the password was not sent")
    return connection
