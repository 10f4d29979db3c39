"""Who publishes and under which terms, as a declaration names them: by slug and id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from warehouse import reference
from warehouse.reference import Contact, Licence, Publisher


def _named(known: Callable[[], Mapping[str, Any]], file: str) -> BeforeValidator:
    def found(given: Any) -> Any:
        """The listed thing if its name is given; anything else is validated as the thing itself."""
        if not isinstance(given, str):
            return given
        listed = known()
        if given not in listed:
            raise ValueError(f"{file} has no {given}, only {', '.join(sorted(listed))}")
        return listed[given]

    return BeforeValidator(found)


def _present(given: Any) -> Any:
    if given is None:
        raise ValueError("its publisher has no contact, so one has to be given here")
    return given


def contact_of_publisher(declared: Mapping[str, Any]) -> Contact | None:
    """The contact of the publisher among an entry's validated fields, if there is one."""
    publisher: Publisher | None = declared.get("publisher")
    return publisher.contact if publisher else None


NamedPublisher = Annotated[Publisher, _named(reference.publishers, "warehouse/reference/publishers.yaml")]
NamedLicence = Annotated[Licence, _named(reference.licences, "warehouse/reference/licences.yaml")]
ContactOrPublishers = Annotated[Contact, BeforeValidator(_present)]
