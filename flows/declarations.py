"""What is declared: sources and datasets at once, models and rules when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sources as source_packages
from publish.catalogue import load_catalogue
from publish.disclosure.population import Population, populations
from publish.disclosure.refusal import why_held_back
from sources import SourcePackage
from warehouse.declarations import DatasetDeclaration, SourceDeclaration

if TYPE_CHECKING:
    from checks.amendments import Amendments
    from checks.rules import DatasetRules, SourceRules
    from warehouse.curate import Model
    from warehouse.quality import Subjects


ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Declarations:
    """Sources and datasets by name. What a command that only looks never needs takes longer to read, and waits.

    ``root`` is the folder with ``sources/``, ``publish/catalogue/``, ``warehouse/models/`` and ``checks/rules/``.
    """

    sources: Mapping[str, SourceDeclaration]
    datasets: Mapping[str, DatasetDeclaration]
    root: Path = ROOT

    @staticmethod
    def read(root: Path = ROOT) -> Declarations:
        """Sources and datasets as declared.

        Raises:
            DeclarationError: a file cannot be used.
        """
        sources = source_packages.declarations(root / "sources")
        return Declarations(sources, load_catalogue(root / "publish" / "catalogue", sources), root)

    def package(self, source: str) -> SourcePackage:
        """How a source is pulled and read."""
        return source_packages.package(self.sources[source])

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """The SQL model of each dataset.

        Raises:
            ModelError: a dataset has none, or not a usable one, or its entry names a source that it needs or can
                do without, and its model never reads that.
        """
        from warehouse.curate import ModelError, load_model  # imports sqlglot

        models = {}
        for name, dataset in self.datasets.items():
            model = models[name] = load_model(dataset.stem, self.root / "warehouse" / "models")
            entry = dataset.entry
            if never_read := sorted({*entry.can_do_without, *entry.needs_any_of} - model.sources):
                raise ModelError(
                    f"{model.path}: the catalogue entry of {name} names {', '.join(never_read)} among the sources"
                    " that it needs or can do without, and the model does not read it"
                )
            reads = model.population.name if model.population else None
            declared = entry.disclosure.population if entry.disclosure else None
            if reads != declared:
                raise ModelError(
                    f"{model.path}: it reads {f'protected.{reads}' if reads else 'no protected population'}, and"
                    f" the catalogue entry of {name} declares {declared or 'none'} under disclosure: say the same"
                    " in both"
                )
        return models

    @cached_property
    def populations(self) -> Mapping[str, Population]:
        """The populations of which datasets count people, by name.

        Raises:
            DeclarationError: two datasets say different things of one.
        """
        return populations(self.datasets)

    @cached_property
    def held_back(self) -> Mapping[str, str]:
        """The datasets that are not released because they are about people, by name, with why in words.

        Raises:
            ModelError: a dataset has no model, or not a usable one, or it reads what is no source's.
        """
        from warehouse.curate import ModelError

        for model in self.models.values():
            if unknown := sorted(model.sources - self.sources.keys()):
                raise ModelError(f"{model.path}: it reads {', '.join(unknown)}, and there is no such source")
        about_people = {
            (source.name, table.name)
            for source in self.sources.values()
            for table in source.tables
            if table.about_people
        }
        reasons = {
            name: why_held_back(dataset, self.models[name].tables, about_people)
            for name, dataset in self.datasets.items()
        }
        return {name: why for name, why in reasons.items() if why}

    @cached_property
    def source_rules(self) -> Mapping[str, SourceRules]:
        """The rules file of each source, by its name.

        Raises:
            DeclarationError: a file cannot be used.
        """
        from checks.rules import rules_of_sources

        return rules_of_sources(self.sources, self.root / "checks" / "rules" / "sources")

    @cached_property
    def amendments(self) -> Mapping[str, Amendments]:
        """The accepted exceptions and the corrections of each source, by its name.

        Raises:
            DeclarationError: a file cannot be used.
        """
        from checks.amendments import amendments_of_sources

        return amendments_of_sources(self.sources, self.source_rules, self.root / "checks")

    @cached_property
    def dataset_rules(self) -> Mapping[str, DatasetRules]:
        """The rules file of each dataset, by its name.

        Raises:
            DeclarationError: a file cannot be used.
        """
        from checks.rules import rules_of_datasets

        return rules_of_datasets(self.datasets, self.root / "checks" / "rules" / "datasets")

    @cached_property
    def telling(self) -> frozenset[str]:
        """The datasets that tell of the verdicts on sources and on all other datasets."""
        return frozenset(name for name, model in self.models.items() if model.tells_of_verdicts)

    @cached_property
    def told_of(self) -> Subjects:
        """What those datasets tell of."""
        from warehouse.quality import Subjects

        left_out = self.telling.union(self.held_back)
        return Subjects(self.sources, {name: d for name, d in self.datasets.items() if name not in left_out})

    def fingerprint(self, source: str, day: date) -> str:
        """What a verdict on the source depends on besides the data, on the day of a run."""
        from checks.verdicts import source_fingerprint

        declared = self.sources[source], self.source_rules[source], self.amendments[source]
        return source_fingerprint(*declared, day)

    def all_read(self) -> Declarations:
        """The same, with models and rules read: a run is to stumble over them before it begins, not midway.

        Raises:
            DeclarationError, ModelError: one cannot be used.
        """
        _ = self.models, self.populations, self.held_back, self.source_rules, self.dataset_rules, self.amendments
        return self
