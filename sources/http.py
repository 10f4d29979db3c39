"""Asking a publisher's server, as the source's ``http`` block says: how often, how long, how much, as whom.

Whatever a server answers, and whatever the libraries make of it, ends here: as bytes or as a SourceError.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self, TypeVar
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import requests

from sources import NotSetUpError, SourceError
from sources.download_limits import DownloadLimits
from sources.turns import turns_of
from warehouse.addresses import origin_of, without_addresses, without_credentials
from warehouse.declarations import SourceDeclaration
from warehouse.declarations.http import Authentication, HttpDeclaration
from warehouse.progress import Progress, silent
from warehouse.web import Clock, OnlyTo, Patience, RedirectError, Session, put_off, redirected, trouble, within

_CHUNK = 1 << 20
_CONDITIONS = frozenset({"If-None-Match", "If-Modified-Since"})
_SHORTEST_SECRET = 6  # characters: less would be found everywhere
_AGAIN = "The next run tries again; see whether the site is up."


T = TypeVar("T")


@dataclass(frozen=True)
class Fetched:
    """What an address gave: the file's size in bytes and the headers by which a later look recognises it."""

    size: int
    etag: str | None
    last_modified: str | None
    location: str  # after redirects, without credentials

    @property
    def token(self) -> dict[str, Any]:
        """What the archive notes of the address."""
        return {"etag": self.etag, "last_modified": self.last_modified, "size": self.size}


@dataclass(frozen=True)
class Page:
    """An answer in memory, byte for byte as it came."""

    content: bytes
    headers: Mapping[str, str]
    status: int = 200


@dataclass(frozen=True)
class Timepiece:
    """What time it is, in seconds from anywhere, and how to let some pass."""

    now: Callable[[], float] = monotonic
    sleep: Callable[[float], None] = field(default_factory=lambda: sleep)


class BrokenOffError(SourceError):
    """An answer began, and did not come to its end."""


def fetch(
    url: str,
    target: Path,
    *,
    noted: Mapping[str, Any] | None = None,
    limits: DownloadLimits | None = None,
    progress: Progress = silent,
) -> Fetched | None:
    """Fetch an address of nobody in particular into a file; see ``Publisher.fetch``."""
    with Publisher(None, limits) as publisher:
        return publisher.fetch(url, target, noted=noted, progress=progress)


def require_secret(declaration: SourceDeclaration) -> None:
    """Make sure that the secret that a source needs is set.

    Raises:
        NotSetUpError: it is not.
    """
    if declaration.http and declaration.http.authentication:
        _Secret(declaration.http.authentication).required()


class Publisher:
    """A publisher's server, asked on behalf of one source, by one thread. Its budget is shared by all who ask it.

    Args:
        declaration: the source, for its ``http`` block; None for nobody in particular.
        limits: where the block says nothing.
        timepiece: for budgets and pauses; deadlines go by the real one.
    """

    def __init__(
        self,
        declaration: SourceDeclaration | None = None,
        limits: DownloadLimits | None = None,
        timepiece: Timepiece | None = None,
    ) -> None:
        self.terms = (declaration.http if declaration else None) or HttpDeclaration()
        self._limits = _limits(self.terms, limits or DownloadLimits())
        self._time = timepiece or Timepiece()
        self._asked = ""  # the address whose turn it is
        patience = Patience.of(self.terms.retries, self.terms.most_pause_seconds, self._pause)
        self._session = Session(self._limits.timeout_seconds, self._limits.timeout_seconds, patience)
        self._session.headers["Accept-Encoding"] = "identity"
        self._secret = _Secret(self.terms.authentication) if self.terms.authentication else None
        if self._secret is not None:
            self._session.auth = self._secret

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def fetch(
        self,
        url: str,
        target: Path,
        *,
        noted: Mapping[str, Any] | None = None,
        progress: Progress = silent,
    ) -> Fetched | None:
        """Fetch an address into a file, in pieces; None if it is as noted (the server answers 304).

        Args:
            url: http or https; user and password in it are sent as Basic authentication and shown nowhere.
            target: the file to write; nothing is left there on an error.
            noted: ``etag`` and ``last_modified`` of the last time.
            progress: told in bytes.

        Raises:
            SourceError: the address cannot be had, with ``is_transient`` for connections, timeouts, 429 and 5xx.
        """
        headers = {}
        if noted and noted.get("etag"):
            headers["If-None-Match"] = str(noted["etag"])
        if noted and noted.get("last_modified"):
            headers["If-Modified-Since"] = str(noted["last_modified"])

        def save(answer: requests.Response, final: str) -> Fetched | None:
            if answer.status_code == 304:
                return None
            size = 0
            with _written(target) as write:
                for piece, size, declared in self._pieces(answer, without_credentials(url)):
                    write(piece)
                    progress(f"fetch {target.name}", size, declared, "bytes")
            tag, changed = (self._sendable(answer.headers.get(name)) for name in ("ETag", "Last-Modified"))
            return Fetched(size, tag, changed, without_credentials(final))

        is_fetched = False
        try:
            fetched = self._ask(url, headers, save)
            is_fetched = fetched is not None
            return fetched
        finally:
            if not is_fetched:
                target.unlink(missing_ok=True)

    def page(self, url: str, also: Collection[int] = ()) -> Page:
        """An answer in memory. One that breaks off is asked for again, as often as the declaration has retries.

        Args:
            url: http or https.
            also: statuses that are answers too, beside 200: of an API that says 404 where nothing matches.

        Raises:
            SourceError: as of ``fetch``; and an answer that repeats the secret, which must not be kept.
        """

        def read(answer: requests.Response, _: str) -> Page:
            content = b"".join(piece for piece, *_ in self._pieces(answer, without_credentials(url)))
            if self._secret is not None and self._secret.is_in(content):
                raise SourceError(
                    f"{without_credentials(url)}: the answer repeats the secret in"
                    f" {self._secret.declared.secret_env}, so it is not kept. Tell the publisher."
                )
            return Page(content, dict(answer.headers), answer.status_code)

        for attempt in range(self.terms.retries):
            try:
                return self._ask(url, {}, read, also)
            except BrokenOffError:
                self._time.sleep(2**attempt / 2)
        return self._ask(url, {}, read, also)

    # --- a request ------------------------------------------------------------------------------------

    def _ask(
        self,
        url: str,
        headers: Mapping[str, str],
        take: Callable[[requests.Response, str], T],
        also: Collection[int] = (),
    ) -> T:
        """What is made of the whole file an address gives, or of a 304 if that was asked for."""
        shown, limits = without_credentials(url), self._limits
        with within(limits.deadline_seconds, limits.timeout_seconds) as clock:
            try:
                answer, final = self._open(url, headers)
                with answer:
                    if answer.status_code not in also:
                        self._refuse_status(answer.status_code, final, shown, headers)
                    return take(answer, final)
            except Exception as error:
                problem = self._in_words(error, shown, clock)
        # Outside of "except": a chained error could show the request, credentials and all.
        raise problem

    def _open(self, url: str, headers: Mapping[str, str]) -> tuple[requests.Response, str]:
        """Open an address, following a few redirects; the answer and the final address, which is bare."""
        shown, auth = without_credentials(url), None
        for _ in range(self._limits.redirects + 1):
            bare, user = _bare(url, without_credentials(url))
            auth = user or auth  # never to another host, nor down to plain http
            self._wait_for_turn(bare)
            answer = self._session.get(bare, headers=headers, auth=auth, stream=True, allow_redirects=False)
            target = redirected(answer, bare)
            if target is None:
                return answer, bare
            answer.close()
            url = target
        raise SourceError(f"{shown}: more than {self._limits.redirects} redirects")

    def _refuse_status(self, status: int, final: str, shown: str, headers: Mapping[str, str]) -> None:
        """Only the whole file will do, or a 304 where that was asked for."""
        if status in (401, 403) and self._secret is not None and self._secret.goes_to(final):
            raise SourceError(
                f"{shown}: the server answers {status}: it refuses the secret in the environment variable"
                f" {self._secret.declared.secret_env}. See that it holds the one that the publisher gave, and that"
                " it is still valid."
            )
        _refuse_status(status, shown, is_conditional=not _CONDITIONS.isdisjoint(headers))

    def _wait_for_turn(self, url: str) -> None:
        self._asked = url
        seconds = turns_of(origin_of(url)).take(self.terms, self._time.now())
        if seconds > 0:
            self._time.sleep(seconds)
            put_off(seconds)

    def _pause(self, seconds: float) -> None:
        """Wait before another try, and then for its turn."""
        if seconds > 0:
            self._time.sleep(seconds)
        self._wait_for_turn(self._asked)

    def _pieces(self, answer: requests.Response, shown: str) -> Iterator[tuple[bytes, int, int | None]]:
        """An answer's pieces, each with the bytes so far and those declared."""
        most, declared = self._limits.max_bytes, _declared_length(answer, shown)
        if declared is not None and declared > most:
            raise SourceError(f"{shown}: {declared:,} bytes, more than the {most:,} allowed")
        if answer.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
            raise SourceError(f"{shown}: came compressed in transit though it was not asked for")
        size = 0
        try:
            for piece in answer.iter_content(_CHUNK):
                size += len(piece)
                if size > most:
                    raise SourceError(f"{shown}: more than the {most:,} bytes allowed; given up")
                yield piece, size, declared
        except requests.RequestException as error:
            told = trouble(error)
            if told.is_late or not told.is_transient:
                raise
            words = f"{told.words}. {_AGAIN}"
            if declared is not None and "breaks off" in words:
                words = f"broke off after {answer.raw.tell():,} of {declared:,} bytes. {_AGAIN}"
            raise BrokenOffError(f"{shown}: {words}", is_transient=True) from None

    def _sendable(self, tag: str | None) -> str | None:
        """A header's value as it can be sent back in the next request; None if it cannot."""
        if self._secret is not None and tag and self._secret.is_in(tag.encode()):
            return None
        return tag if tag and tag.isascii() and tag.isprintable() and len(tag) <= 1_000 else None

    def _in_words(self, error: Exception, shown: str, clock: Clock) -> SourceError:
        """What a person is told of an error, and whether another try may do."""
        if isinstance(error, SourceError):
            kind, words, is_transient = type(error), str(error), error.is_transient
        elif isinstance(error, RedirectError):
            kind, words, is_transient = SourceError, f"{shown}: {error}", False
        else:
            told = trouble(error, clock)
            late = f"not whole after {self._limits.deadline_seconds:,.0f} s"
            kind, words, is_transient = (
                SourceError,
                f"{shown}: {late if told.is_late else told.words}",
                told.is_transient,
            )
            words += f". {_AGAIN}" if is_transient else ""
        return kind(self._secret.hidden(words) if self._secret else words, is_transient=is_transient)


class _Secret(requests.auth.AuthBase):
    """The secret a declaration names: read when a request is made, sent to one origin, kept nowhere."""

    def __init__(self, declared: Authentication) -> None:
        self.declared = declared

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request, with the secret if it goes where the secret may go."""
        if self.goes_to(request.url or ""):
            header, value = self._header()
            request.headers[header] = value
        return request

    def goes_to(self, url: str) -> bool:
        """Whether an address may be given the secret."""
        return origin_of(url) == origin_of(self.declared.at)

    def required(self) -> str:
        """The secret; NotSetUpError if there is none."""
        text = self._text()
        if not text:
            raise NotSetUpError(
                f"the environment variable {self.declared.secret_env} is not set: it holds the secret that"
                f" {self.declared.at} asks for. Set it where the run starts, and nowhere else."
            )
        if not (text.isascii() and text.isprintable()):
            raise SourceError(
                f"the environment variable {self.declared.secret_env} holds characters that no key has."
                " See that it holds one line, the key alone."
            )
        return text

    def _header(self) -> tuple[str, str]:
        text = self.required()
        if self.declared.kind == "basic":
            pair = text if ":" in text else f"{text}:"
            return "Authorization", f"Basic {b64encode(pair.encode()).decode()}"
        if self.declared.kind == "bearer":
            return "Authorization", f"Bearer {text}"
        return str(self.declared.header), text

    def _text(self) -> str:
        return os.environ.get(self.declared.secret_env, "").strip()

    def _forms(self) -> list[str]:
        """What would give the secret away: the text, its parts, and how it is sent."""
        if not (text := self._text()):
            return []
        sent = b64encode((text if ":" in text else f"{text}:").encode("utf-8", "replace")).decode()
        return [form for form in (text, *text.split(":"), sent) if len(form) >= _SHORTEST_SECRET]

    def is_in(self, content: bytes) -> bool:
        """Whether the secret stands in an answer."""
        return any(form.encode() in content for form in self._forms())

    def hidden(self, words: str) -> str:
        """A text without the secret."""
        for form in self._forms():
            words = words.replace(form, "***")
        return words


def _limits(terms: HttpDeclaration, default: DownloadLimits) -> DownloadLimits:
    return replace(
        default,
        max_bytes=terms.max_bytes or default.max_bytes,
        timeout_seconds=terms.timeout_seconds or default.timeout_seconds,
        deadline_seconds=terms.deadline_seconds or default.deadline_seconds,
    )


def _bare(url: str, shown: str) -> tuple[str, OnlyTo | None]:
    """An address without user and password, ready to be asked, and those two for where they belong."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:  # no address, or one with an impossible port
        raise SourceError(f"{shown}: not an address that can be fetched: {without_addresses(error)}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SourceError(f"{shown}: only http and https addresses are fetched")
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="%:@!$&'()*+,;=~-._/?")
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, query, ""))
    if parts.username is None:
        return bare, None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return bare, OnlyTo(bare, "Authorization", f"Basic {b64encode(pair.encode()).decode()}")


def _refuse_status(status: int, shown: str, *, is_conditional: bool) -> None:
    """Only the whole file will do, or a 304 where that was asked for."""
    if status == 200 or (status == 304 and is_conditional):
        return
    if status == 304:
        raise SourceError(f"{shown}: the server says 'not modified' (304), but was not asked whether it is")
    if status < 300:
        raise SourceError(f"{shown}: the server answers {status} where only the whole file (200) will do")
    if status == 429 or status >= 500:
        raise SourceError(f"{shown}: the server answers {status}. The next run tries again.", is_transient=True)
    advice = {
        401: "it wants a user and a password, or other ones",
        403: "it does not let us in",
        404: "there is no such file: the publisher moved or renamed it",
        410: "the file was withdrawn",
    }.get(status, "see what the publisher says about it")
    raise SourceError(f"{shown}: the server answers {status}: {advice}.")


def _declared_length(answer: requests.Response, shown: str) -> int | None:
    length = answer.headers.get("Content-Length")
    if length is None:
        return None
    if not re.fullmatch("[0-9]{1,18}", length.strip()):
        raise SourceError(
            f"{shown}: the server's answer cannot be understood: its length is {without_addresses(length)!r}"
        )
    return int(length)


@contextmanager
def _written(target: Path) -> Iterator[Callable[[bytes], object]]:
    """A function that writes into a file. A full disk is not the server's fault."""

    def here(error: OSError) -> SourceError:
        return SourceError(
            f"{target} cannot be written: {error.strerror}. Make room on the disk, or see its rights."
        )

    def write(piece: bytes) -> None:
        left = memoryview(piece)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError as error:
            raise here(error) from None

    try:
        file = target.open("wb", buffering=0)
    except OSError as error:
        raise here(error) from None
    with file:
        yield write
