"""DCAT-AP 3.0.1 in JSON-LD: how catalogues of catalogues read ours.

Only what the profile knows, in the EU's vocabularies. Addresses are relative to the document unless the portal
knows its own, so the folder can be moved anywhere. Nothing here knows the day of a run or a place on the machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote as url_quote

from publish.desired import DesiredDataset, DesiredResource, resource_id
from publish.metadata.distributions import Offered, distribution, is_page, service_node
from publish.metadata.high_value import LEGISLATION, category_node, with_classes
from publish.metadata.protection import protection_in_words
from publish.metadata.versions import identifier_of, version_notes
from publish.metadata.vocabularies import AUTHORITY, CONTEXT, LANGUAGE_TAGS, authority, terms_of
from publish.metadata.words import NOT_REVIEWED, resource_format, resource_title
from warehouse.declarations import CatalogueEntry, DatasetDeclaration, Translation
from warehouse.home import to_json
from warehouse.releases import Release

_ROLE = "http://inspire.ec.europa.eu/metadata-codelist/ResponsiblePartyRole"


@dataclass(frozen=True)
class Service:
    """An API that serves the rows of datasets, such as CKAN's DataStore.

    ``endpoint`` is the address of its calls; ``parameters``, appended to it, choose the dataset's table, with
    ``{id}`` for the id of its CSV file's resource. ``documentation`` is a page that says how to call it.
    """

    title: str
    endpoint: str
    documentation: str
    parameters: str = ""


@dataclass(frozen=True)
class _Subject:
    """What is described: a dataset as a portal offers it, or one release of it."""

    declaration: DatasetDeclaration
    release: Release
    described: Mapping[str, Any]
    files: Sequence[Offered]
    base: str
    service: Service | None = None

    @property
    def address(self) -> str:
        """Its own address: its folder."""
        return self.base or "./"

    @property
    def tag(self) -> str:
        """The language its entry is written in."""
        language = self.declaration.entry.language
        return LANGUAGE_TAGS.get(language[0] if language else "ENG", "en")


def dataset_node(wanted: DesiredDataset, base: str, service: Service | None = None) -> dict[str, Any]:
    """A dataset with its distributions.

    Args:
        wanted: the dataset.
        base: the address of its folder, ending in a slash; may be relative to the catalogue's document.
        service: the API that serves its rows, where the portal has one.
    """
    files = [_offered(resource) for resource in wanted.resources]
    subject = _Subject(wanted.declaration, wanted.release, wanted.metadata, files, base, service)
    first = min([wanted.release, *wanted.releases], key=lambda release: release.order)
    kept = {version.release.version for version in wanted.versions}
    previous = wanted.release.previous_version
    node = _dataset(subject, wanted.spatial, first.data_date.isoformat())
    if previous and previous in kept:
        node["dcat:previousVersion"] = {"@id": f"{base}versions/{previous}/"}
    if kept:
        ordered = [version.release.version for version in wanted.versions]
        node["dcat:hasVersion"] = [{"@id": f"{base}versions/{version}/"} for version in ordered]
    return node


def release_graph(
    declaration: DatasetDeclaration, release: Release, described: Mapping[str, Any], base: str = ""
) -> dict[str, Any]:
    """One release, for its own folder: a whole document.

    Args:
        declaration: the dataset.
        release: with the files that it describes.
        described: its descriptor, see ``describe``.
        base: the address of the folder, ending in a slash; empty: relative to the document.
    """
    titles = {resource["path"]: resource for resource in described.get("resources", ())}
    files = []
    for file in release.files:
        title, description = resource_title(file.key)
        said = titles.get(file.name, {"title": title, "description": description})
        files.append(
            Offered(
                key=file.key,
                id=resource_id(release.dataset, file.key),
                title=said["title"],
                description=said["description"],
                format=resource_format(file.key),
                media_type=file.media_type,
                name=file.name,
                sha256=file.sha256,
                size=file.size,
            )
        )
    subject = _Subject(declaration, release, described, files, base)
    spatial = described.get("spatial")
    outline = spatial.get("geometry") if isinstance(spatial, Mapping) else None
    node = _dataset(subject, outline, release.data_date.isoformat())
    return _document(node)


def _offered(resource: DesiredResource) -> Offered:
    return Offered(
        key=resource.key,
        id=resource.id,
        title=resource.title,
        description=resource.description,
        format=resource.format,
        media_type=resource.media_type,
        name=resource.path.name,
        sha256=resource.sha256,
        size=resource.size,
    )


def _dataset(subject: _Subject, outline: Mapping[str, object] | None, issued: str) -> dict[str, Any]:
    """The node of a dataset or a release; ``issued`` is the day of the first data."""
    declaration, release = subject.declaration, subject.release
    entry, tag = declaration.entry, subject.tag
    node: dict[str, Any] = {
        "@id": subject.address,
        "@type": "dcat:Dataset",
        "dct:title": _in_languages(entry.title, tag, declaration.translations, "title"),
        "dct:description": _in_languages(entry.description, tag, declaration.translations, "description"),
        "dct:identifier": entry.name,
        "adms:identifier": {
            "@type": "adms:Identifier",
            "skos:notation": {"@value": identifier_of(release), "@type": "xsd:anyURI"},
        },
        "dcat:keyword": [{"@value": word, "@language": tag} for word in entry.keywords],
        "dcat:theme": authority("data-theme", entry.theme),
        "dct:accrualPeriodicity": authority("frequency", entry.frequency),
        "dct:language": [authority("language", code) for code in entry.language],
        "dct:accessRights": authority("access-right", "PUBLIC"),
        "dct:publisher": _publisher(entry.publisher.name, entry.publisher.title),
        "dcat:contactPoint": _contact(declaration),
        "dcat:version": release.version,
        "adms:versionNotes": {"@value": version_notes(release), "@language": "en"},
        "dct:issued": _day(issued),
        "dct:modified": _day(release.data_date.isoformat()),
        "dcat:landingPage": {"@id": f"{subject.base}index.html", "@type": "foaf:Document"},
        "dcat:distribution": _distributions(subject),
    }
    if release.previous_version:
        node["dcat:previousVersion"] = {"@id": identifier_of(release, release.previous_version)}
    if pages := [file for file in subject.files if is_page(file.key)]:
        node["foaf:page"] = [
            {"@id": f"{subject.base}{file.name}", "@type": "foaf:Document", "dct:title": file.title}
            for file in pages
        ]
    if entry.owner:
        node["prov:qualifiedAttribution"] = {
            "@type": "prov:Attribution",
            "prov:agent": _publisher(entry.owner.name, entry.owner.title),
            "dcat:hadRole": {"@id": f"{_ROLE}/owner"},
        }
    node |= _coverage(subject, outline)
    node |= _origin(subject)
    if entry.hvd:
        node["dcatap:applicableLegislation"] = LEGISLATION
        node["dcatap:hvdCategory"] = category_node(entry.hvd.category)
        return with_classes(node)
    return node


def _distributions(subject: _Subject) -> list[dict[str, Any]]:
    entry = subject.declaration.entry
    made = [distribution(entry, subject.release, file, subject.files, subject.base) for file in subject.files]
    found = [node for node in made if node]
    service = subject.service or _declared_service(entry)
    if service:
        table = resource_id(subject.declaration.name, "csv")
        for node in found:
            if node["@id"] == f"urn:uuid:{table}":
                node["dcat:accessService"] = service_node(
                    entry,
                    subject.address,
                    (service.title, service.endpoint + service.parameters.format(id=table), service.documentation),
                    _contact(subject.declaration),
                )
    return found


def _declared_service(entry: CatalogueEntry) -> Service | None:
    """The API that an entry names itself, where who describes it has none."""
    if not entry.hvd or not entry.hvd.endpoint:
        return None
    return Service(f"Data API of {entry.title}", entry.hvd.endpoint, entry.hvd.documentation)


def _coverage(subject: _Subject, outline: Mapping[str, object] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if locations := _locations(subject.declaration, outline):
        found["dct:spatial"] = locations[0] if len(locations) == 1 else locations
    if period := subject.described.get("temporal"):
        found["dct:temporal"] = {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _day(period["start"]),
            "dcat:endDate": _day(period["end"]),
        }
    return found


def _origin(subject: _Subject) -> dict[str, Any]:
    """What it was made of: in words, and the upstream datasets that have an address."""
    # of a source that is not declared only its name is known
    listed = [source for source in subject.described.get("sources", ()) if source.get("licence")]
    lines = list(protection_in_words(subject.declaration))
    upstream = []
    for source in listed:
        terms = [str(source[key]) for key in ("path", "licence", "attribution") if source.get(key)]
        lines.append("; ".join([f"Made from: {source['title']}", *terms]))
        if source.get("path"):
            upstream.append(_upstream(source))
    found: dict[str, Any] = {}
    if lines:
        text = {"@value": "\n".join(lines), "@language": "en"}
        found["dct:provenance"] = {"@type": "dct:ProvenanceStatement", "rdfs:label": text}
    if upstream and subject.declaration.entry.hvd:
        # by its address alone: every dataset that such a document describes counts as one of high value
        found["prov:wasDerivedFrom"] = [{"@id": one["@id"]} for one in upstream]
    elif upstream:
        found["dct:source"] = upstream
    return found


def _upstream(source: Mapping[str, Any]) -> dict[str, Any]:
    """A publisher's dataset that ours is made from; what is known of it fits its class."""
    node: dict[str, Any] = {
        "@id": source["path"],
        "@type": "dcat:Dataset",
        "dct:title": {"@value": source["title"], "@language": "en"},
        "dct:description": {"@value": source.get("attribution") or source["title"], "@language": "en"},
    }
    if source.get("licencePath"):
        node["dct:rights"] = {"@id": source["licencePath"], "@type": "dct:RightsStatement"}
    return node


def _in_languages(text: str, tag: str, translations: Sequence[Translation], key: str) -> Any:
    """A text as a literal of its language, with what may be shown of it in others.

    What nobody has read says so: the description in words, a machine's text by its tag.
    """
    literals = [{"@value": text, "@language": tag}]
    for one in translations:
        found: str = getattr(one, key)
        if found and key == "description" and not one.is_reviewed:
            found = f"{found} [{NOT_REVIEWED}]"
        if found:
            literals.append({"@value": found, "@language": one.tag})
    return literals[0] if len(literals) == 1 else literals


def _locations(declaration: DatasetDeclaration, outline: Mapping[str, object] | None) -> list[dict[str, Any]]:
    """Where the dataset's rows lie: its district's outline as a box, and places by name and address."""
    found: list[dict[str, Any]] = []
    if outline:
        box, middle = _bounding_box(outline)
        found.append(
            {"@type": "dct:Location", "dcat:bbox": _well_known(box), "dcat:centroid": _well_known(middle)}
        )
    for place in declaration.entry.places:
        address = {"@id": place.uri} if place.uri else {}
        found.append({**address, "@type": "dct:Location", "skos:prefLabel": place.title})
    return found


def catalogue_document(
    title: str, description: str, publisher: Mapping[str, str], base: str, datasets: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The catalogue: itself, its datasets as ``dataset_node`` made them, and the terms they use."""
    services = [
        node["dcat:accessService"]["@id"]
        for dataset in datasets
        for node in dataset.get("dcat:distribution", ())
        if "dcat:accessService" in node
    ]
    node: dict[str, Any] = {
        "@id": base or "./",
        "@type": "dcat:Catalog",
        "dct:title": {"@value": title, "@language": "en"},
        "dct:description": {"@value": description, "@language": "en"},
        "dct:publisher": _publisher(publisher["name"], publisher["title"]),
        "dct:language": authority("language", "ENG"),
        "dcat:themeTaxonomy": {"@id": f"{AUTHORITY}/data-theme"},
        "foaf:homepage": {"@id": f"{base}index.html", "@type": "foaf:Document"},
        "dcat:dataset": list(datasets),
    }
    days = [str(dataset["dct:modified"]["@value"]) for dataset in datasets if "dct:modified" in dataset]
    if days:
        node["dct:modified"] = _day(max(days))
    if services:
        node["dcat:service"] = [{"@id": address} for address in services]
    return _document(node)


def catalogue(
    title: str, description: str, publisher: Mapping[str, str], base: str, datasets: Sequence[Mapping[str, Any]]
) -> str:
    """``catalogue_document`` as the text of a JSON-LD file."""
    return to_json(catalogue_document(title, description, publisher, base, datasets))


def _document(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node as a document of its own, with what it uses of the vocabularies."""
    return {"@context": dict(CONTEXT), **node, "@included": terms_of(node)}


def _publisher(name: str, title: str) -> dict[str, Any]:
    return {"@id": f"urn:opendistrict:publisher:{name}", "@type": "foaf:Agent", "foaf:name": title}


def _contact(declaration: DatasetDeclaration) -> dict[str, Any]:
    contact = declaration.entry.contact
    address = {"@id": f"mailto:{url_quote(contact.email, safe='@+')}"}
    return {"@type": "vcard:Kind", "vcard:fn": contact.name, "vcard:hasEmail": address}


def _day(day: str) -> dict[str, str]:
    return {"@value": day, "@type": "xsd:date"}


def _well_known(text: str) -> dict[str, str]:
    return {"@value": text, "@type": "http://www.opengis.net/ont/geosparql#wktLiteral"}


def _bounding_box(geometry: Mapping[str, object]) -> tuple[str, str]:
    """The box around an outline and its middle, as well-known text."""
    rings = geometry["coordinates"]
    points = [point for ring in rings for point in ring] if isinstance(rings, list) else []
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    box = "POLYGON((" + ", ".join(f"{x} {y}" for x, y in corners) + "))"
    return box, f"POINT({(west + east) / 2:.6f} {(south + north) / 2:.6f})"
