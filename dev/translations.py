"""What of the catalogue is not translated, which translations are of words that changed, and which nobody read.

``python -m dev.translations`` lists it, with the digest (``of``) that a translation of today's words has.
"""

from __future__ import annotations

from collections.abc import Iterator

from flows.declarations import Declarations
from warehouse.declarations import DatasetDeclaration, Translation, digest_of


def remarks(dataset: DatasetDeclaration, translation: Translation) -> Iterator[str]:
    """What there is to do about a dataset's texts in a language."""
    entry = dataset.entry
    english = {"title": entry.title, "description": entry.description, "each_row_is_a": entry.each_row_is_a}
    if entry.disclosure:
        english["counts"] = entry.disclosure.counts
    texts = {place: getattr(translation, place) for place in english}
    for at, warning in enumerate(entry.usage_warnings):
        english[f"usage_warnings.{at}"] = warning
        texts[f"usage_warnings.{at}"] = translation.usage_warnings.get(warning, "")
    for place, text in texts.items():
        if not text and place not in translation.stale:
            yield f"{place}: not translated; of: {digest_of(english[place])}"
    for field in dataset.table.fields:
        english[f"fields.{field.name}.title"] = field.title
        english[f"fields.{field.name}.description"] = field.description
    for place in translation.stale:
        if place.startswith("usage_warnings"):
            yield f"{place}: the entry has no such warning any more"
        else:
            yield f"{place}: the English words have changed; translated anew it is of: {digest_of(english[place])}"
    if not translation.is_reviewed:
        yield f"made by {translation.made_by}, reviewed by nobody"


def main() -> None:
    """Print it, dataset by dataset."""
    for dataset in Declarations.read().datasets.values():
        for translation in dataset.translations:
            for remark in remarks(dataset, translation):
                print(f"{translation.language} {dataset.name}: {remark}")


if __name__ == "__main__":
    main()
