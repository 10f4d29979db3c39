"""Which errors are messages to a person, and which are faults of the program that want a traceback."""

from __future__ import annotations

from checks.verdicts import CheckError
from flows.local_server import ServerError
from flows.night import RequestError
from publish.portals import PortalError
from sources import SourceError
from warehouse.curate import ModelError
from warehouse.declarations import DeclarationError
from warehouse.lease import LeaseHeldError, LeaseLostError

_FOR_PEOPLE = (
    CheckError,
    DeclarationError,
    FileNotFoundError,
    LeaseHeldError,
    LeaseLostError,
    LookupError,
    ModelError,
    PermissionError,
    PortalError,
    RequestError,
    ServerError,
    SourceError,
)


def is_for_people(error: BaseException) -> bool:
    """True if the error's message says what, where, why and what to do."""
    return isinstance(error, _FOR_PEOPLE) and not isinstance(error, (KeyError, IndexError))
