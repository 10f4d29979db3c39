"""Fields of a package that CKAN itself does not read, and ckanext-dcat turns into DCAT-AP.

It makes an address of what is written as one, and a text of anything else. Two fields stay as CKAN needs them,
whatever becomes of them there: ``format``, by which previews and loaders go, and ``mimetype``, which CKAN sends as
the Content-Type of downloads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from publish.desired import DesiredDataset, DesiredResource
from publish.metadata.dcat import Service, dataset_node
from publish.metadata.high_value import ELI, unmet
from publish.metadata.schema import PROFILES
from publish.metadata.vocabularies import AUTHORITY, FILE_TYPES, HVD_CATEGORIES
from publish.metadata.words import WITH_ROWS

# Of a server with ckanext-dcat, the one file whose format is sent as a term of the EU's table: what portals of
# portals take for readable by machines is known to them by that term only, and nobody previews this one.
_BY_TERM = "datapackage"

# What the profile for high-value datasets asks and ckanext-dcat 2.4 has no field for; the title's language it
# writes where a scheming schema has translations.
_DCAT_LACKS = (
    "hvd: ckanext-dcat 2.4 writes neither category nor page of the API, the dataset's category without class and"
    " scheme, and its title without language; dcat.ttl among the release's files has them, and the API too where"
    " the entry names it as hvd: endpoint"
)
_NO_DCAT = (
    "hvd: the server has no ckanext-dcat, so it publishes no DCAT-AP, in which high-value datasets are marked as"
    " such; the fields are there for the day it has"
)

_API_PAGE = "https://docs.ckan.org/en/latest/maintaining/datastore.html"

DATASET_FIELDS = frozenset({"uri", "spatial_uri", "applicable_legislation", "hvd_category"})


def dataset_fields(desired: DesiredDataset, page: str) -> dict[str, str]:
    """What a dataset's extras have for ckanext-dcat alone; without what is empty.

    ``page`` is the dataset's own, and its address in DCAT: the API says that it serves what is called so.
    """
    entry = desired.declaration.entry
    found = {"uri": page}
    if len(entry.places) == 1 and entry.places[0].uri and not entry.district:
        found["spatial_uri"] = entry.places[0].uri
    if entry.hvd:
        found["applicable_legislation"] = _json([ELI])
        found["hvd_category"] = _json([f"{HVD_CATEGORIES}/{entry.hvd.category}"])
    return found


def resource_fields(
    desired: DesiredDataset, resource: DesiredResource, address: str, has_dcat: bool
) -> dict[str, str]:
    """What a resource has for ckanext-dcat.

    Args:
        desired: the dataset.
        resource: the file.
        address: the portal's, without a slash at its end.
        has_dcat: whether the server has ckanext-dcat.
    """
    entry = desired.declaration.entry
    is_table = resource.key in WITH_ROWS
    found = {
        "license": entry.licence.authority or entry.licence.url,
        "rights": entry.attribution.strip(),
        "availability": f"{AUTHORITY}/planned-availability/STABLE",
        "status": f"{AUTHORITY}/distribution-status/COMPLETED",
        "language": _json([f"{AUTHORITY}/language/{code}" for code in entry.language]),
        "conforms_to": _json([f"{PROFILES}/{'tableschema' if is_table else 'dataresource'}.json"]),
        "issued": desired.release.data_date.isoformat(),
        "modified": desired.release.data_date.isoformat(),
    }
    if entry.hvd:
        found["applicable_legislation"] = _json([ELI])
    if has_dcat and resource.key == _BY_TERM:
        found["format"] = f"{AUTHORITY}/file-type/{FILE_TYPES[resource.format]}"
    if has_dcat and resource.key == "csv":
        found["access_services"] = _json([_service(desired, resource, address)])
    return found


def high_value_unmet(desired: DesiredDataset, address: str, has_dcat: bool) -> tuple[str, ...]:
    """What a high-value dataset lacks on this server, in words. Empty for any other dataset.

    Raises:
        PortalError: it lacks what its entry has to say.
    """
    if not desired.declaration.entry.hvd:
        return ()
    service = Service(
        title="Data API",
        endpoint=f"{address}/api/3/action/datastore_search",
        documentation=_API_PAGE,
        parameters="?resource_id={id}",
    )
    node = dataset_node(desired, f"{address}/dataset/{desired.name}/", service)
    said = _DCAT_LACKS if has_dcat else _NO_DCAT
    return (*unmet(desired.name, node), said)


def _service(desired: DesiredDataset, resource: DesiredResource, address: str) -> Mapping[str, object]:
    """The DataStore's API, as ckanext-dcat knows an access service."""
    entry = desired.declaration.entry
    service: dict[str, object] = {
        "uri": f"{address}/dataset/{entry.name}#api",
        "title": f"Data API of {entry.title}",
        "endpoint_url": [f"{address}/api/3/action/datastore_search?resource_id={resource.id}"],
        "endpoint_description": _API_PAGE,
        "license": entry.licence.authority or entry.licence.url,
        "access_rights": f"{AUTHORITY}/access-right/PUBLIC",
        "serves_dataset": [f"{address}/dataset/{entry.name}"],
        "contact": {"name": entry.contact.name, "email": entry.contact.email},
    }
    if entry.hvd:
        service |= {
            "applicable_legislation": [ELI],
            "title": {"en": service["title"]},
            "endpoint_description": entry.hvd.documentation,
            "rights": [entry.hvd.terms],
        }
    return service


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
