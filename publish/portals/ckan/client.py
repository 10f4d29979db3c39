"""Talking to CKAN: its actions and its files, with counted writes and errors in words."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
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
        "package_search", "group_show", "group_list_authz", "scheming_dataset_schema_show",
    }
)  # fmt: skip


# A read that the portal is too busy for is tried again, after the pause it asks for, or one of these (seconds).
_PAUSES = (1.0, 4.0)
_LONGEST_PAUSE = 20.0  # whoever asks for more is left alone, and told so
_BUSY = frozenset({429, 503})


@dataclass(frozen=True)
class Served:
    """A file as the portal serves it. ``size`` in bytes, -1 for a lost one, None where nobody tells."""

    size: int | None = None
    modified: str = ""  # the answer's Last-Modified
    sha256: str = ""  # empty where it was not downloaded, or is lost


class ConflictError(PortalError):
    """The dataset changed between the look at it and the write: the same call may pass after another look."""


class NoRightError(PortalError):
    """The token's user may not do it."""


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
        is_read = action in READS or bool((data or {}).get("dry_run"))
        if not is_read:
            self.writes += 1
        # A write is never tried again here: whether it was carried out takes another look at the dataset.
        for pause in (*_PAUSES, None) if is_read else (None,):
            try:
                return self._call(action, data, files, sent, missing_ok)
            except PortalError as error:
                if pause is None or not self._waits(error, pause):
                    raise
        raise AssertionError("the last attempt answers or raises")

    def _waits(self, error: PortalError, pause: float) -> bool:
        """Wait as long as a busy portal asks, if that is short; whether it may be asked again."""
        if self._session.last[0] not in _BUSY or (error.retry_after or 0) > _LONGEST_PAUSE:
            return False
        time.sleep(pause if error.retry_after is None else error.retry_after)
        return True

    def _call(
        self,
        action: str,
        data: Mapping[str, Any] | None,
        files: Mapping[str, IO[bytes]] | None,
        sent: Callable[[int], None] | None,
        missing_ok: bool,
    ) -> Any:
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

    def head(self, url: str) -> Served:
        """What the portal says of a file without sending it."""
        with self._get("HEAD", url) as answer:
            if answer.status_code == 404:
                return Served(-1)
            length = answer.headers.get("Content-Length", "")
            size = int(length) if answer.status_code == 200 and length.isdigit() else None
            return Served(size, answer.headers.get("Last-Modified", ""))

    def download(self, url: str) -> Served:
        """What the portal serves as a file, with its sum."""
        total, size = hashlib.sha256(), 0
        failure = None
        with self._get("GET", url) as answer:
            if answer.status_code == 404:
                return Served(-1)
            try:
                for block in answer.iter_content(BLOCK):
                    total.update(block)
                    size += len(block)
            except (requests.RequestException, OSError) as error:
                failure = self._problem(f"download of {url}", None, error)
            modified = answer.headers.get("Last-Modified", "")
        if failure:
            raise failure
        return Served(size, modified, total.hexdigest())

    def _get(self, method: str, url: str) -> requests.Response:
        """Ask for a file, again where the portal is busy: that it cannot be had now says nothing of its bytes."""
        for pause in (*_PAUSES, None):
            try:
                return self._follow(method, url)
            except PortalError as error:
                if pause is None or not self._waits(error, pause):
                    raise
        raise AssertionError("the last attempt answers or raises")

    def _follow(self, method: str, url: str) -> requests.Response:
        """Ask for a file. On its way to another host, a storage service say, the token stays here."""
        problem = None
        try:
            for _ in range(6):
                answer = self._session.request(
                    method, url, headers={"Accept-Encoding": "identity"}, auth=self._token_to_portal, stream=True
                )
                location = answer.headers.get("Location")
                if not (answer.is_redirect and location):
                    if answer.status_code in (200, 404) or (method == "HEAD" and answer.status_code == 405):
                        return answer
                    answer.close()
                    break
                answer.close()
                url = urljoin(url, location)
            status = self._session.last[0]
            problem = PortalError(
                f"{self.address}: {url} cannot be downloaded (HTTP {status}), so nobody can tell whether it is"
                " what was sent",
                is_transient=status >= 300 and status not in (401, 403),
                retry_after=self._session.retry_after,
            )
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
            return NoRightError(
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
            return PortalError(
                f"{self.address}: HTTP {status} ({about}); try again later",
                is_transient=True,
                retry_after=self._session.retry_after,
            )
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
