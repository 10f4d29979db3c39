"""The session that the client talks through: streamed uploads, and a memory of the last answer."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote as url_quote

import requests
from urllib3 import Retry
from urllib3.exceptions import InvalidHeader

from warehouse import web

CONNECT_TIMEOUT_S = 10
GONE_TIMEOUT_S = 2  # to connect, where nobody answered the last time
READ_TIMEOUT_S = 300
BLOCK = 1 << 20


class Session(web.Session):
    """The shared way out, with uploads that are streamed and a memory of the last answer.

    It tries nothing again by itself: a write that broke off may have been carried out, and what may be repeated is
    the portal's to decide, after another look.
    """

    def __init__(self) -> None:
        super().__init__(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        self.last: tuple[int, str, str] = (0, "", "")
        self.retry_after: float | None = None  # seconds that the last answer asks to be left alone
        self.is_gone = False
        self.sent: Callable[[int], None] | None = None

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        """Like the method above it."""
        if self.is_gone and options.get("timeout") is None:
            options["timeout"] = (GONE_TIMEOUT_S, READ_TIMEOUT_S)
        files = options.pop("files", None)
        if files:
            form = _Form(options.get("data") or {}, files, self.sent)
            options["data"] = form
            options["headers"] = {**(options.get("headers") or {}), "Content-Type": form.content_type}
        self.last, self.retry_after = (0, "", ""), None
        try:
            answer = super().request(method, url, **options)
        except requests.ConnectionError:
            self.is_gone = True
            raise
        self.is_gone = False
        headers = answer.headers
        self.last = (answer.status_code, headers.get("Content-Type", "").lower(), headers.get("Location", ""))
        if asked := headers.get("Retry-After"):
            with suppress(InvalidHeader):
                self.retry_after = Retry().parse_retry_after(asked)
        return answer


class _Form:
    """A multipart form that is read while it is sent: requests would build it in memory, gigabytes and all."""

    def __init__(
        self,
        fields: Mapping[str | bytes, str | bytes],
        files: Mapping[str, IO[bytes]],
        sent: Callable[[int], None] | None,
    ) -> None:
        boundary = uuid.uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._sent = sent
        self._parts: list[bytes | IO[bytes]] = []
        self._length = 0
        for name, value in fields.items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_text(name)}"\r\n\r\n'
            self._add(head.encode() + (value.encode() if isinstance(value, str) else value) + b"\r\n")
        for name, file in files.items():
            shown = url_quote(Path(file.name).name)
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{shown}"\r\n'
            self._add(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode())
            self._length += file.seek(0, io.SEEK_END)
            file.seek(0)
            self._parts.append(file)
            self._add(b"\r\n")
        self._add(f"--{boundary}--\r\n".encode())

    def _add(self, text: bytes) -> None:
        self._parts.append(text)
        self._length += len(text)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        done = 0
        for part in self._parts:
            for block in [part] if isinstance(part, bytes) else _blocks(part):
                yield block
                done += len(block)
                if self._sent:
                    self._sent(done)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
