"""Rules files: what people write of a source's tables, or of a dataset, that no constraint of a field can say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

from pydantic import Field, model_validator

from warehouse import reference
from warehouse.declarations import (
    DatasetDeclaration,
    DeclarationError,
    Declared,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    parse,
    read_yaml,
)
from warehouse.turns import Whose

_SOURCES = Path(__file__).parent / "sources"
_DATASETS = Path(__file__).parent / "datasets"


class WrittenRule(Declared):
    """A rule as a rules file has it.

    ``holds`` is an SQL condition over the row's columns: true for good rows, and a row it cannot judge (NULL)
    passes. ``valid_from`` and ``valid_to`` limit the rule to rows whose ``dated_by`` lies between them: rules of
    programmes and laws change, and an old row is judged by the rule of its day.

    Instead of ``holds``, ``spans`` may name a list of ``warehouse/reference/usual_spans.yaml``: the first column's
    value, if above zero, should be what is usual at its date in the programme that the column ``programme_in``
    names. ``{span}`` in the message or the help becomes what was expected, of whom and when.

    Or ``once`` is true: no two rows say the same in the columns; a row whose first column is empty passes.

    ``{start_date}`` in the message or the help becomes what the file calls that column, in quotation marks. Both
    are in English here; their Finnish stands in ``warehouse/messages/fi/rules.po``.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    severity: Severity
    columns: tuple[str, ...] = Field(min_length=1)
    holds: str | None = None
    spans: str | None = None
    once: bool = False
    programme_in: str | None = None
    message: str
    help: str
    source: str  # where the rule comes from
    owner: Whose | None = None  # who mends what is found, if it is not whose turn it is at this source
    dated_by: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> WrittenRule:
        if [self.holds is not None, self.spans is not None, self.once].count(True) != 1:
            raise ValueError(f"rule {self.id}: it needs one of holds, spans and once")
        if self.once and (self.dated_by or self.valid_from or self.valid_to):
            raise ValueError(f"rule {self.id}: once holds at any time, so it has no dates")
        if self.spans is not None and self.spans not in reference.usual_spans():
            raise ValueError(f"rule {self.id}: warehouse/reference/usual_spans.yaml has no list {self.spans}")
        if (self.spans is None) is not (self.programme_in is None):
            raise ValueError(f"rule {self.id}: it needs programme_in if it has spans, and only then")
        return self


class SourceRules(Declared):
    """``checks/rules/sources/<source>.yaml``: rules on a source's tables, by table."""

    tables: Mapping[str, tuple[WrittenRule, ...]] = {}

    def on(self, table: TableDeclaration) -> tuple[WrittenRule, ...]:
        """The rules on one of its tables."""
        return self.tables.get(table.name, ())


class DatasetRules(Declared):
    """``checks/rules/datasets/<stem>.yaml``: rules on a dataset."""

    rules: tuple[WrittenRule, ...] = ()


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
        DeclarationError: a file cannot be used, or is of no source that is declared, or of a table it lacks.
    """
    _owned(folder, sources, "source")
    loaded = {name: load_source_rules(name, folder) for name in sources}
    for name, rules in loaded.items():
        if strange := sorted(set(rules.tables) - {table.name for table in sources[name].tables}):
            raise DeclarationError(f"{folder / name}.yaml: {name} has no table {' or '.join(strange)}")
    return loaded


def rules_of_datasets(
    datasets: Mapping[str, DatasetDeclaration], folder: Path = _DATASETS
) -> Mapping[str, DatasetRules]:
    """The rules files of all datasets, by the dataset's name.

    Raises:
        DeclarationError: a file cannot be used, or is of no dataset that is declared.
    """
    _owned(folder, {dataset.stem for dataset in datasets.values()}, "dataset")
    return {name: load_dataset_rules(dataset.stem, folder) for name, dataset in datasets.items()}


def _owned(folder: Path, stems: Collection[str], kind: str) -> None:
    """That every rules file is of somebody: its rules would be applied to nothing, and nobody would notice."""
    for path in sorted(folder.glob("*.yaml")):
        if path.stem not in stems:
            raise DeclarationError(f"{path}: there is no {kind} {path.stem} that these rules could be of")
