"""Whom datasets count: the people that one or several catalogue entries declare, which must agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from warehouse.declarations import DatasetDeclaration
from warehouse.declarations.datasets import DisclosureDeclaration
from warehouse.declared import DeclarationError


@dataclass(frozen=True)
class Population:
    """The people that several datasets count: what their entries declare of them, which must agree.

    ``datasets`` are all that declare the population, by name.
    """

    name: str
    datasets: Mapping[str, DatasetDeclaration]

    @cached_property
    def declared(self) -> Mapping[str, DisclosureDeclaration]:
        """By dataset, what its entry says."""
        return {name: one.entry.disclosure for name, one in self.datasets.items() if one.entry.disclosure}

    @property
    def first(self) -> DisclosureDeclaration:
        """What all of them say alike is read here."""
        return next(iter(self.declared.values()))

    @property
    def tables(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """By dataset, the dimensions of its table."""
        return {name: one.dimensions for name, one in self.declared.items()}

    def people_of(self, period: tuple[str, ...]) -> tuple[str, ...]:
        """What is the same in all periods of the same people."""
        named = zip(self.first.period, period, strict=True)
        return tuple(value for column, value in named if column not in self.first.same_people)

    def identity_of(self, period: tuple[str, ...]) -> tuple[str, ...]:
        """What of a period says which people are counted in it."""
        named = zip(self.first.period, period, strict=True)
        return tuple(value for column, value in named if column in (self.first.identified_by or self.first.period))

    @property
    def dimensions(self) -> tuple[tuple[str, ...], ...]:
        """All dimensions of all tables, each once: of two that begin alike the deeper one."""
        every = sorted({dimension for table in self.tables.values() for dimension in table})
        return tuple(one for one in every if not any(other != one and other[: len(one)] == one for other in every))


def populations(datasets: Mapping[str, DatasetDeclaration]) -> dict[str, Population]:
    """The populations that datasets declare, by name.

    Raises:
        DeclarationError: two datasets say different things of one.
    """
    names = {one.entry.disclosure.population for one in datasets.values() if one.entry.disclosure}
    return {name: _population(name, datasets) for name in sorted(names)}


def _population(name: str, datasets: Mapping[str, DatasetDeclaration]) -> Population:
    counting = {
        one.name: one
        for one in sorted(datasets.values(), key=lambda one: one.name)
        if one.entry.disclosure and one.entry.disclosure.population == name
    }
    population = Population(name, counting)
    alike = sorted(set(DisclosureDeclaration.model_fields) - {"population", "counts", "dimensions"})
    for other, said in population.declared.items():
        if different := [key for key in alike if getattr(said, key) != getattr(population.first, key)]:
            first = next(iter(counting))
            raise DeclarationError(
                f"publish/catalogue: {first} and {other} count the same population, {name}, and say different"
                f" things of it under disclosure: {', '.join(different)}. Say the same in both."
            )
    columns = [column for dimension in population.dimensions for column in dimension]
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise DeclarationError(
            f"publish/catalogue: the datasets of the population {name} have {', '.join(twice)} in two dimensions"
            " that are not the same one, coarse to fine. Let one column belong to one dimension."
        )
    if unknown := sorted(set(population.first.importance) - set(columns)):
        raise DeclarationError(
            f"publish/catalogue: {next(iter(counting))}: disclosure: importance: {', '.join(unknown)} is no column"
            f" of a dimension; there are: {', '.join(columns)}"
        )
    return population
