"""Talking to CKAN: its actions and its files, with counted writes and errors in words."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any
from urllib.parse import SplitResult, urljoin, urlsplit

import ckanapi
import requests

from publish.plans import PortalError
from publish.portals.ckan.session import BLOCK, Session
from warehouse.web import OnlyTo

# Actions that change nothing. Every other one counts as a write, also one that nobody thought of.
READS = frozenset(
    {
        "status_show", "user_show", "organization_list_for_user", "package_show", "organization_show",
        "resource_show", "resource_view_list", "datastore_info", "datastore_search", "package_activity_list",
    }
)  # fmt: skip


class ConflictError(PortalError):
    """The dataset changed between the look at it and the write: the same call may pass after another look."""


class TooLargeError(PortalError):
    """The portal refuses a file for its size."""


class Client:
    """CKAN's actions through ckanapi, with time limits, counted writes and errors for people.

    The token goes to the portal's own origin only, and into no message: errors of the libraries below, which may
    hold the request's headers, are never chained to ours.
    """

    def __init__(self, address: str, token: str) -> None:
        """Opens no connection. Raises PortalError if the address or the token cannot be used."""
        parts = _parts_of(address)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise PortalError(
                "the portal's address must be its front page only, without a user, a password, ? or #; the token"
                " is given separately"
            )
        self._token = token.strip()
        if not re.fullmatch(r"[\x21-\x7e]+", self._token):
            raise PortalError("the portal's token is empty or holds characters that no token has")
        self.address = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            warnings.warn(f"the token travels to {self.address} unencrypted; use https", UserWarning, stacklevel=3)
        self.writes = 0
        self._session = Session()
        self._token_to_portal = OnlyTo(self.address, "Authorization", self._token)
        self._api = ckanapi.RemoteCKAN(
            self.address, apikey=self._token, user_agent="opendistrict", session=self._session
        )

    def __repr__(self) -> str:
        return f"Client({self.address!r})"

    @property
    def is_gone(self) -> bool:
        """Whether nobody answered the last time."""
        return self._session.is_gone

    def call(
        self,
        action: str,
        data: Mapping[str, Any] | None = None,
        *,
        files: Mapping[str, IO[bytes]] | None = None,
        sent: Callable[[int], None] | None = None,
        missing_ok: bool = False,
    ) -> Any:
        """What an action answers.

        Args:
            action: its name, e.g. ``package_show``.
            data: its parameters.
            files: to be uploaded, by parameter; they are streamed.
            sent: told how many bytes are on their way.
            missing_ok: None instead of an error for what is not there.

        Raises:
            PortalError: it failed; ``is_transient`` where it may pass later.
        """
        if action not in READS and not (data or {}).get("dry_run"):
            self.writes += 1
        self._session.sent = sent
        try:
            return self._api.call_action(action, dict(data or {}), files=dict(files) if files else None)
        except ckanapi.NotFound:
            if missing_ok:
                return None
            problem = PortalError(f"{action}: the portal does not know {self._subject(data)}")
        except (
            ckanapi.CKANAPIError,
            ckanapi.ServerIncompatibleError,
            requests.RequestException,
            OSError,
        ) as error:
            problem = self._problem(action, data, error)
        raise problem  # outside of except, so that nothing with the token in it hangs on to it

    def size(self, url: str) -> int | None:
        """The size of a file on the portal in bytes; -1 if it is lost, None if the portal does not tell."""
        with self._get("HEAD", url) as answer:
            if answer.status_code == 404:
                return -1
            length = answer.headers.get("Content-Length", "")
            return int(length) if answer.status_code == 200 and length.isdigit() else None

    def sha256(self, url: str) -> str:
        """The SHA-256 of a file on the portal; empty if it cannot be had."""
        total = hashlib.sha256()
        failure = None
        with self._get("GET", url) as answer:
            if answer.status_code != 200:
                return ""
            try:
                for block in answer.iter_content(BLOCK):
                    total.update(block)
            except (requests.RequestException, OSError) as error:
                failure = self._problem(f"download of {url}", None, error)
        if failure:
            raise failure
        return total.hexdigest()

    def _get(self, method: str, url: str) -> requests.Response:
        """Ask for a file. On its way to another host, a storage service say, the token stays here."""
        problem = None
        try:
            for _ in range(6):
                answer = self._session.request(
                    method, url, headers={"Accept-Encoding": "identity"}, auth=self._token_to_portal, stream=True
                )
                location = answer.headers.get("Location")
                if not (answer.is_redirect and location):
                    if answer.status_code >= 500:
                        answer.close()
                        break
                    return answer
                answer.close()
                url = urljoin(url, location)
            problem = PortalError(f"{url} cannot be downloaded", is_transient=True)
        except (requests.RequestException, OSError, ValueError) as error:  # ValueError: redirected to no address
            problem = self._problem(f"download of {url}", None, error)
        raise problem

    def _subject(self, data: Mapping[str, Any] | None) -> str:
        given = data or {}
        found = next((given[key] for key in ("id", "resource_id", "match__id", "name") if given.get(key)), "it")
        return self._clean(str(found))

    def _clean(self, text: str, limit: int = 500) -> str:
        return " ".join(text.replace(self._token, "***").split())[:limit]

    def _problem(self, action: str, data: Mapping[str, Any] | None, error: Exception) -> PortalError:
        """An error in words for people."""
        where, about = f"{self.address}", f"{action} of {self._subject(data)}" if data else action
        if isinstance(error, requests.Timeout):
            return PortalError(f"{where} did not answer in time ({about}); try again later", is_transient=True)
        if isinstance(error, requests.RequestException | OSError):
            kind = type(error).__name__
            return PortalError(
                f"{where} cannot be reached or broke off ({about}: {kind}); check that it runs, then publish"
                " again",
                is_transient=True,
            )
        if isinstance(error, ckanapi.NotAuthorized):
            said = error.extra_msg if hasattr(error, "extra_msg") else ""
            told = said.get("message", "") if isinstance(said, Mapping) else said
            return PortalError(
                f"{where}: the token's user has no right to {about} ({self._clean(str(told))}). Have the portal's"
                " administrator make the user an editor of the publisher's organisation (an administrator to"
                " create one), or give another token"
            )
        if isinstance(error, ckanapi.ValidationError):
            return self._refused(about, error.error_dict)
        return self._unexpected(about)

    def _refused(self, about: str, faults: Any) -> PortalError:
        text = self._clean(_in_words(faults))
        if "too large" in text.casefold():
            return TooLargeError(f"{self.address} refuses {about}: {text}")
        if isinstance(faults, Mapping) and "match" in faults:
            return ConflictError(
                f"{self.address}: somebody else changed the dataset at this moment ({about}), so files and"
                " metadata stay as they are. Publish again",
                is_transient=True,
            )
        return PortalError(f"{self.address} refuses {about}: {text}")

    def _unexpected(self, about: str) -> PortalError:
        """Whatever is no answer of CKAN's action API, told by the status and the kind of the answer."""
        status, kind, location = self._session.last
        if status == 413:
            return TooLargeError(f"{self.address} refuses {about}: HTTP 413, too large")
        if 300 <= status < 400:
            target = self._clean(location) or "elsewhere"
            return PortalError(f"{self.address} redirects to {target}; give the portal's own address")
        if status >= 500 or status in (408, 409, 423, 425, 429):
            return PortalError(f"{self.address}: HTTP {status} ({about}); try again later", is_transient=True)
        if status in (401, 403, 407):
            return PortalError(
                f"{self.address}: HTTP {status} ({about}); something before CKAN, a proxy or a firewall, refuses"
                " us. Ask the portal's administrator"
            )
        if "html" in kind or status in (200, 404, 405):
            return PortalError(
                f"{self.address} is not a CKAN, or its API is switched off: it answers {about} with"
                f" {kind or 'something'} (HTTP {status}). Check the address"
            )
        return PortalError(f"{self.address}: HTTP {status} ({about}) is no answer of CKAN's; check the address")


def _in_words(faults: Any) -> str:
    """CKAN's error dictionary in a line."""
    if isinstance(faults, Mapping):
        return "; ".join(
            f"{key}: {_in_words(value)}"
            for key, value in faults.items()
            if not str(key).startswith("__") and value
        )
    if isinstance(faults, list | tuple):
        return ", ".join(text for text in (_in_words(value) for value in faults) if text)
    return str(faults)


def _parts_of(address: str) -> SplitResult:
    with suppress(ValueError):  # brackets without an end, or an impossible port
        parts = urlsplit(address.strip())
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    raise PortalError("the portal's address must be a URL such as https://data.example.org")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
