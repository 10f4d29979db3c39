"""What a table is: declared once, in the terms of a Frictionless Table Schema.

A declaration is a YAML file. From it come the dlt columns and contract, the Great Expectations suite, the
staging and warehouse tables, the data dictionary, the DataStore fields and the metadata. On top of the
standard's ``name``, ``type``, ``title``, ``description``, ``constraints``, ``primaryKey`` and ``foreignKeys``
a field says its ``unit``, its ``privacy`` class, the ``severity`` of a broken constraint, and how its column
is found at the source (``source_names``, ``presence``).
"""

from warehouse.declarations.datasets import (
    COORDINATES,
    STATUS,
    STATUSES,
    SUPPRESSED,
    CatalogueEntry,
    DatasetDeclaration,
    DatasetField,
    DisclosureDeclaration,
    Format,
    GrantColumns,
    Period,
    Place,
    resolve_dataset,
)
from warehouse.declarations.fields import (
    TOTAL,
    TOTAL_TITLE,
    Constraints,
    FieldDeclaration,
    Privacy,
    ProtectedAs,
    Severity,
)
from warehouse.declarations.showing import ChartDeclaration, Headline, MapDeclaration, Showing
from warehouse.declarations.sources import GRACE_DAYS, AskedFor, SourceDeclaration, load_source
from warehouse.declarations.tables import Delivery, ForeignKey, RowBounds, TableDeclaration
from warehouse.declarations.translations import Provenance, Translation, Translations, digest_of
from warehouse.declared import DATASET_SLUG, SLUG, DeclarationError, Declared, fault, nearest, parse, read_yaml
from warehouse.reference import Contact, Licence, Publisher
from warehouse.sql import literal, quote
from warehouse.text import normalised
from warehouse.types import FieldType

__all__ = [
    "COORDINATES",
    "DATASET_SLUG",
    "GRACE_DAYS",
    "SLUG",
    "STATUS",
    "STATUSES",
    "SUPPRESSED",
    "TOTAL",
    "TOTAL_TITLE",
    "AskedFor",
    "CatalogueEntry",
    "ChartDeclaration",
    "Constraints",
    "Contact",
    "DatasetDeclaration",
    "DatasetField",
    "DeclarationError",
    "Declared",
    "Delivery",
    "DisclosureDeclaration",
    "FieldDeclaration",
    "FieldType",
    "ForeignKey",
    "Format",
    "GrantColumns",
    "Headline",
    "Licence",
    "MapDeclaration",
    "Period",
    "Place",
    "Privacy",
    "ProtectedAs",
    "Provenance",
    "Publisher",
    "RowBounds",
    "Severity",
    "Showing",
    "SourceDeclaration",
    "TableDeclaration",
    "Translation",
    "Translations",
    "digest_of",
    "fault",
    "literal",
    "load_source",
    "nearest",
    "normalised",
    "parse",
    "quote",
    "read_yaml",
    "resolve_dataset",
]
