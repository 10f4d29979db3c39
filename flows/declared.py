"""What is declared of sources and datasets: all that a command needs that only looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sources as source_packages
from publish.catalogue import load_catalogue
from warehouse.declarations import DatasetDeclaration, SourceDeclaration


@dataclass(frozen=True)
class Declared:
    """The sources and datasets by name. ``flows.steps.Plan`` adds models and rules, which take longer to read."""

    sources: Mapping[str, SourceDeclaration]
    datasets: Mapping[str, DatasetDeclaration]

    @staticmethod
    def read() -> Declared:
        """Everything as declared.

        Raises:
            DeclarationError: a file cannot be used.
        """
        declared = source_packages.declarations()
        return Declared(declared, load_catalogue(sources=declared))
