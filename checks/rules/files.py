"""The rules files of sources and datasets, read and tried against the tables they are on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from checks.rules.validating import RulesFile
from checks.rules.written import DatasetRules, SourceRules
from warehouse.declarations import DatasetDeclaration, DeclarationError, SourceDeclaration, parse, read_yaml
from warehouse.declared import fault, nearest
from warehouse.staging import SCHEMA

_SOURCES = Path(__file__).parent / "sources"
_DATASETS = Path(__file__).parent / "datasets"


def load_source_rules(name: str, folder: Path = _SOURCES) -> SourceRules:
    """The rules file of a source; an empty one if there is none."""
    path = folder / f"{name}.yaml"
    return parse(SourceRules, read_yaml(path), path) if path.exists() else SourceRules()


def load_dataset_rules(stem: str, folder: Path = _DATASETS) -> DatasetRules:
    """The rules file of a dataset; an empty one if there is none."""
    path = folder / f"{stem}.yaml"
    return parse(DatasetRules, read_yaml(path), path) if path.exists() else DatasetRules()


def rules_of_sources(
    sources: Mapping[str, SourceDeclaration], folder: Path = _SOURCES
) -> Mapping[str, SourceRules]:
    """The rules files of all sources, by the source's name.

    Raises:
        DeclarationError: a file cannot be used, is of no source that is declared, or does not fit its tables.
    """
    _owned(folder, sources, "source")
    loaded = {name: load_source_rules(name, folder) for name in sources}
    for name, rules in loaded.items():
        if rules.tables:
            _require_fit(folder / f"{name}.yaml", rules, sources[name], sources)
    return loaded


def _require_fit(
    path: Path, rules: SourceRules, source: SourceDeclaration, sources: Mapping[str, SourceDeclaration]
) -> None:
    names = [table.name for table in source.tables]
    for name in rules.tables:
        if name not in names:
            raise fault(path, ("tables", name), f"{source.name} has no table {name}{nearest(name, names)}")
    file = RulesFile(path, SCHEMA, source.tables, sources)
    file.require_fit(rules.tables, {name: ("tables", name) for name in names})


def rules_of_datasets(
    datasets: Mapping[str, DatasetDeclaration], folder: Path = _DATASETS
) -> Mapping[str, DatasetRules]:
    """The rules files of all datasets, by the dataset's name.

    Raises:
        DeclarationError: a file cannot be used, is of no dataset that is declared, or does not fit its columns.
    """
    from warehouse.curate import CURATED  # imports sqlglot

    _owned(folder, {dataset.stem for dataset in datasets.values()}, "dataset")
    loaded = {name: load_dataset_rules(dataset.stem, folder) for name, dataset in datasets.items()}
    for name, rules in loaded.items():
        if rules.rules:
            table = datasets[name].table
            file = RulesFile(folder / f"{datasets[name].stem}.yaml", CURATED, [table], {})
            file.require_fit({table.name: rules.rules}, {table.name: ("rules",)})
    return loaded


def _owned(folder: Path, stems: Collection[str], kind: str) -> None:
    """That every rules file is of somebody: its rules would be applied to nothing, and nobody would notice."""
    for path in sorted(folder.glob("*.yaml")):
        if path.stem not in stems:
            raise DeclarationError(f"{path}: there is no {kind} {path.stem} that these rules could be of")
