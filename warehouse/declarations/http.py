"""How a publisher's server may be asked: the ``http`` block of a ``source.yaml``."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from warehouse.declared import Declared

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Authentication(Declared):
    """A secret that goes to one origin only. It is never written here: the environment variable holds it.

    ``basic``: the variable holds ``user:password``; without a colon, a user whose password is empty, as of APIs
    that take a key for the user. ``bearer``: a token. ``header``: the content of the header named.
    """

    kind: Literal["basic", "bearer", "header"]
    secret_env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    at: str  # the only origin (scheme, host, port) that gets it: https://api.example.org
    header: str | None = Field(None, pattern=r"^[A-Za-z0-9-]+$")

    @model_validator(mode="after")
    def _is_sent_safely(self) -> Authentication:
        if (self.kind == "header") != (self.header is not None):
            raise ValueError("a header is named for the kind 'header', and for no other")
        parts = urlsplit(self.at)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError(f"{self.secret_env} goes over https only, so 'at' begins with https://")
        if not parts.hostname or parts.username or parts.path.strip("/") or parts.query:
            raise ValueError("'at' is an origin such as https://api.example.org, without a path")
        return self


class RequestBudget(Declared):
    """So many requests in any period of so many seconds, over all threads and sources of a run."""

    requests: int = Field(ge=1)
    per_seconds: float = Field(gt=0)


class HttpDeclaration(Declared):
    """What a publisher's server is asked for, how often, and how long it is waited for.

    What is not given is as the source's code has it.
    """

    budget: RequestBudget | None = None
    interval_seconds: float = Field(0, ge=0)  # between two requests, out of politeness
    max_bytes: int | None = Field(None, gt=0)  # of one answer
    max_bytes_per_pull: int = Field(20 << 30, gt=0)
    timeout_seconds: float | None = Field(None, gt=0)  # for the next byte
    deadline_seconds: float | None = Field(None, gt=0)  # of one answer, all in all
    retries: int = Field(3, ge=0, le=20)  # of a request, for what may pass
    most_pause_seconds: float = Field(900, ge=0)  # before all retries of a request together
    resume_within_hours: float = Field(24, ge=0)  # a pull of many pages that was cut off goes on where it was
    authentication: Authentication | None = None
