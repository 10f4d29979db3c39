"""The catalogue: one YAML file a dataset, the only place where it is described and its columns are let out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from publish.metadata import high_value
from publish.metadata.vocabularies import FREQUENCY_CODES, THEMES
from publish.translations import translated
from warehouse import reference
from warehouse.declarations import (
    CatalogueEntry,
    DatasetDeclaration,
    DeclarationError,
    SourceDeclaration,
    parse,
    read_yaml,
    resolve_dataset,
)
from warehouse.districts import load_districts

FOLDER = Path(__file__).parent / "catalogue"

# The columns that changes.csv puts beside the key.
CHANGE_COLUMNS = ("change", "field", "old", "new")


def load_catalogue(
    folder: Path | None = None, sources: Mapping[str, SourceDeclaration] | None = None
) -> dict[str, DatasetDeclaration]:
    """The datasets by name, in the order of their names.

    Args:
        folder: holds a ``<stem>.yaml`` a dataset; the project's own catalogue unless named.
        sources: declarations of the sources that entries take fields over from, by name.

    Raises:
        DeclarationError: an entry cannot be used; the message lists the faults of all entries.
    """
    found: dict[str, DatasetDeclaration] = {}
    faults: list[str] = []
    for path in sorted((folder or FOLDER).glob("*.yaml")):
        try:
            declaration = load_entry(path, sources or {})
        except DeclarationError as error:
            faults.append(str(error))
        else:
            found[declaration.name] = declaration
    if faults:
        raise DeclarationError("\n".join(faults))
    return translated(dict(sorted(found.items())), (folder or FOLDER) / "translations", sources or {})


def load_entry(path: Path, sources: Mapping[str, SourceDeclaration]) -> DatasetDeclaration:
    """One dataset from its catalogue entry.

    Raises:
        DeclarationError: it is no entry, or its file's name, district, code lists or key do not fit.
    """
    declaration = resolve_dataset(parse(CatalogueEntry, read_yaml(path), path), sources, path)
    if declaration.stem != path.stem:
        raise DeclarationError(
            f"{path}: the dataset is called {declaration.name}, so its file must be {declaration.stem}.yaml"
        )
    district = declaration.entry.district
    if district and district not in load_districts():
        raise DeclarationError(f"{path}: district: there is no {district} in warehouse/reference/districts.yaml")
    lists = reference.code_lists()
    for field in declaration.table.fields:
        if field.label_list and field.label_list not in lists:
            raise DeclarationError(f"{path}: {field.name}: there is no code list {field.label_list}")
    for name in declaration.entry.period.columns if declaration.entry.period else ():
        typed = {field.name: field.type for field in declaration.table.fields}
        if typed.get(name) not in ("date", "datetime", "year"):
            raise DeclarationError(f"{path}: period: {name} is no column of days, moments or years")
    _has_known_codes(declaration.entry, path)
    if faults := high_value.faults_of_entry(declaration):
        raise DeclarationError(f"{path}: hvd: {'; '.join(faults)}")
    if clash := sorted(set(declaration.table.primary_key) & set(CHANGE_COLUMNS)):
        raise DeclarationError(f"{path}: a key field cannot be called {clash[0]}: changes.csv has such a column")
    return declaration


def _has_known_codes(entry: CatalogueEntry, path: Path) -> None:
    """Theme and frequency are codes of the EU's tables: DCAT-AP has no other, and pages say them in words."""
    for key, code, known in (("theme", entry.theme, THEMES), ("frequency", entry.frequency, FREQUENCY_CODES)):
        if code not in known:
            raise DeclarationError(f"{path}: {key}: the EU's table has no {code}; it has {', '.join(known)}")
