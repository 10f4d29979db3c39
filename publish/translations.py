"""The catalogue in other languages: a file each, ``catalogue/translations/<language>.yaml``.

A translation keeps the digest of the English words it was made of; if these have changed since, it is not shown.
The Finnish titles of columns that are taken over from a source are those of the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from warehouse.declarations import (
    DatasetDeclaration,
    DeclarationError,
    FieldDeclaration,
    Provenance,
    SourceDeclaration,
    Translation,
    Translations,
    digest_of,
    parse,
    read_yaml,
)
from warehouse.declarations.translations import TranslatedDataset, TranslatedText


def translated(
    datasets: Mapping[str, DatasetDeclaration], folder: Path, sources: Mapping[str, SourceDeclaration]
) -> dict[str, DatasetDeclaration]:
    """The datasets with what may be shown of them in other languages.

    Args:
        datasets: by name.
        folder: holds a ``<language>.yaml`` a language; none is no fault.
        sources: the sources by name, whose Finnish titles datasets take over with their columns.

    Raises:
        DeclarationError: a file translates what does not exist; the message lists all such keys of all files.
    """
    found = dict(datasets)
    faults: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        listed = parse(Translations, read_yaml(path), path)
        if listed.language != path.stem:
            raise DeclarationError(f"{path}: its language is {listed.language}, so its name must be that")
        for name, one in listed.datasets.items():
            if name not in found:
                faults.append(f"{path}: datasets.{name}: there is no such dataset")
                continue
            dataset = found[name]
            known = {field.name for field in dataset.table.fields}
            faults += [
                f"{path}: datasets.{name}.fields.{field}: the dataset has no such column."
                " If it was renamed, write its new name here; if it went, take these lines out"
                for field in one.fields
                if field not in known
            ]
            shown = _shown(listed.language, one, dataset, sources)
            found[name] = replace(dataset, translations=(*dataset.translations, shown))
    if faults:
        raise DeclarationError("\n".join(faults))
    return found


def _shown(
    language: str, one: TranslatedDataset, dataset: DatasetDeclaration, sources: Mapping[str, SourceDeclaration]
) -> Translation:
    entry = dataset.entry
    stale: list[str] = []

    def fresh(place: str, text: TranslatedText | None, english: str) -> str:
        if text is None:
            return ""
        if text.of == digest_of(english):
            return text.text
        stale.append(place)
        return ""

    taken = dict(_taken(dataset, sources)) if language == "fi" else {}
    makers: list[Provenance] = [one, *dict.fromkeys(maker for _, maker in taken.values())]
    titles: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    for field in dataset.table.fields:
        given = one.fields.get(field.name)
        title = fresh(f"fields.{field.name}.title", given.title, field.title) if given else ""
        if title or field.name in taken:
            titles[field.name] = title or taken[field.name][0]
        if given and (text := fresh(f"fields.{field.name}.description", given.description, field.description)):
            descriptions[field.name] = text
    warnings = {warning: _of(warning, one.usage_warnings) for warning in entry.usage_warnings}
    known = {digest_of(warning) for warning in entry.usage_warnings}
    stale += [f"usage_warnings.{place}" for place, text in enumerate(one.usage_warnings) if text.of not in known]
    return Translation(
        language,
        _all_say([maker.made_by for maker in makers]),
        _all_say([maker.reviewed_by for maker in makers]) if all(m.is_reviewed for m in makers) else None,
        title=fresh("title", one.title, entry.title),
        description=fresh("description", one.description, entry.description),
        each_row_is_a=fresh("each_row_is_a", one.each_row_is_a, entry.each_row_is_a),
        usage_warnings={warning: text for warning, text in warnings.items() if text},
        counts=fresh("counts", one.counts, entry.disclosure.counts if entry.disclosure else ""),
        fields=titles,
        field_descriptions=descriptions,
        stale=tuple(stale),
    )


def _of(english: str, texts: Iterable[TranslatedText]) -> str:
    """The one that is of these English words; empty where none is."""
    return next((text.text for text in texts if text.of == digest_of(english)), "")


def _all_say(names: list[str | None]) -> str:
    return ", ".join(dict.fromkeys(name for name in names if name))


def _taken(
    dataset: DatasetDeclaration, sources: Mapping[str, SourceDeclaration]
) -> Iterator[tuple[str, tuple[str, Provenance]]]:
    """The Finnish titles that come with columns from sources, where the entry gives them no title of its own."""
    fields: Mapping[str, FieldDeclaration] = {field.name: field for field in dataset.table.fields}
    for listed in dataset.entry.fields:
        if listed.from_field is None or listed.title is not None:
            continue
        source, _, own = listed.from_field.split(".")
        name = listed.name or own
        maker = sources[source].finnish
        if maker is not None and fields[name].title_fi:
            yield name, (fields[name].title_fi, maker)
