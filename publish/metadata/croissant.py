"""A release in Croissant 1.1: what programs that learn from data read of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from publish.files.render import description_of
from publish.metadata.citation import cited_as
from publish.metadata.schema_org import keywords_of, organisation
from publish.metadata.words import resource_title
from warehouse.declarations import DatasetDeclaration, FieldDeclaration
from warehouse.releases import Release, ReleaseFile
from warehouse.types import FieldType

VERSION = "http://mlcommons.org/croissant/1.1"

_DATA_TYPES: Mapping[FieldType, str] = {
    "string": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "date": "sc:Date",
    "datetime": "sc:DateTime",
    "year": "sc:Integer",
}

# What readers of Croissant call Parquet; the registered name is unknown to mlcroissant (1.1.1, EncodingFormat).
_ENCODINGS: Mapping[str, str] = {"parquet": "application/x-parquet"}

# The words that the format's specification adds to schema.org's.
_OF_CROISSANT = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileProperty"),
    *("fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5"),
    *(
        "parentField",
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "samplingRate",
        "separator",
    ),
    *("source", "subField", "transform"),
)


def croissant(declaration: DatasetDeclaration, release: Release, described: Mapping[str, Any]) -> dict[str, Any]:
    """The description, as JSON-LD; addresses of files are relative to it.

    The records are those of the Parquet file, which has their types: what reads CSV for Croissant guesses them,
    and takes the leading zeros off codes.

    Args:
        declaration: the dataset.
        release: with the files that it describes.
        described: its descriptor, see ``describe``.
    """
    entry = declaration.entry
    document: dict[str, Any] = {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": VERSION,
        "name": entry.name,
        "alternateName": entry.title,
        "description": entry.description,
        "license": entry.licence.url,
        "version": _semantic(release),
        "datePublished": release.data_date.isoformat(),
        "citeAs": cited_as(declaration, release).bibtex,
        "creator": organisation((entry.owner or entry.publisher).title),
        "publisher": organisation(entry.publisher.title),
        "keywords": keywords_of(entry),
        "inLanguage": "en",
        "isLiveDataset": True,
        "isAccessibleForFree": True,
        "usageInfo": entry.licence.url,
        "distribution": [_file_object(file) for file in release.files],
        "recordSet": [_record_set(declaration, release)],
    }
    if period := described.get("temporal"):
        document["temporalCoverage"] = f"{period['start']}/{period['end']}"
    return document


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "dct": "http://purl.org/dc/terms/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "description": {"@container": "@language"},
        "name": {"@container": "@language"},
        **{word: f"cr:{word}" for word in _OF_CROISSANT},
    }


def _semantic(release: Release) -> str:
    """The version as Croissant asks for it, MAJOR.MINOR.PATCH: the major version, the day, its sequence."""
    return f"{release.major}.{release.data_date:%Y%m%d}.{release.sequence}"


def _file_object(file: ReleaseFile) -> dict[str, Any]:
    title, description = resource_title(file.key)
    return {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "description": f"{title}: {description}",
        "contentUrl": file.name,
        "contentSize": f"{file.size} B",
        "encodingFormat": _ENCODINGS.get(file.key, file.media_type),
        "sha256": file.sha256,
    }


def _record_set(declaration: DatasetDeclaration, release: Release) -> dict[str, Any]:
    file = release.file("parquet") or release.file("csv")
    table = declaration.table
    return {
        "@type": "cr:RecordSet",
        "@id": "rows",
        "name": "rows",
        "description": f"One record for each {declaration.entry.each_row_is_a}.",
        "key": [{"@id": f"rows/{name}"} for name in table.primary_key],
        "field": [_field(field, file.name if file else "") for field in table.fields],
    }


def _field(field: FieldDeclaration, file: str) -> dict[str, Any]:
    said = [field.title, description_of(field), f"Unit: {field.unit}" if field.unit else ""]
    return {
        "@type": "cr:Field",
        "@id": f"rows/{field.name}",
        "name": field.name,
        "description": ". ".join(text.rstrip(".") for text in said if text) + ".",
        "dataType": _DATA_TYPES[field.type],
        "source": {"fileObject": {"@id": file}, "extract": {"column": field.name}},
    }
