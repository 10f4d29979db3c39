"""Who publishes and under which terms, as a declaration names them: by slug and id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from warehouse import reference
from warehouse.reference import Contact, Licence, Publisher


@dataclass(frozen=True)
class _Named:
    """A field that a file gives as the name of something listed: its validator, and how an editor completes it."""

    known: Callable[[], Mapping[str, Any]]
    file: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._found, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "enum": sorted(self.known())}

    def _found(self, given: Any) -> Any:
        """The listed thing if its name is given; anything else is validated as the thing itself."""
        if not isinstance(given, str):
            return given
        listed = self.known()
        if given not in listed:
            raise ValueError(f"{self.file} has no {given}, only {', '.join(sorted(listed))}")
        return listed[given]


def _present(given: Any) -> Any:
    if given is None:
        raise ValueError("its publisher has no contact, so one has to be given here")
    return given


def contact_of_publisher(declared: Mapping[str, Any]) -> Contact | None:
    """The contact of the publisher among an entry's validated fields, if there is one."""
    publisher: Publisher | None = declared.get("publisher")
    return publisher.contact if publisher else None


NamedPublisher = Annotated[Publisher, _Named(reference.publishers, "warehouse/reference/publishers.yaml")]
NamedLicence = Annotated[Licence, _Named(reference.licences, "warehouse/reference/licences.yaml")]
ContactOrPublishers = Annotated[Contact, BeforeValidator(_present)]
