"""A dataset's page: what it is, its figures, its rows, its columns, its versions and how to use it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from publish.desired import DesiredDataset
from publish.metadata.citation import citation, cited_as
from publish.metadata.datapackage import notes_of
from publish.metadata.held import held_rows
from publish.metadata.protection import protection_in_words
from publish.metadata.schema_org import schema_org
from publish.metadata.words import LANGUAGES, LISTED, WITH_ROWS
from publish.portals.folder import charts, opening
from publish.portals.folder.figures import Figure, chart, headline
from publish.portals.folder.mapping import Map, draw_map, place_words
from publish.portals.folder.pages.changed import Version, all_versions, as_of, changed_versions
from publish.portals.folder.pages.dictionary import Described, dictionary
from publish.portals.folder.pages.preview import FIRST_ROWS, Preview, preview, script
from publish.portals.folder.pages.wording import CHANGES, DIMENSIONS, FILES, FREQUENCIES, SEVERITIES
from publish.portals.folder.parts import place_of
from publish.portals.folder.people import Panel, draw_people
from publish.portals.folder.plotting import Chart, LeftOut
from publish.portals.folder.reading import ROWS, rows_of
from publish.portals.folder.rendering import Site, in_language, render
from publish.portals.folder.speaking import Speaker, speaker_of
from warehouse.messages import Language

_NEWEST = 8  # versions on the page itself
SCRIPT = "preview.js"


@dataclass(frozen=True)
class Drawn:
    """What is read of a release's rows for its page."""

    figure: Figure | None
    charts: tuple[Chart, ...]
    left_out: tuple[LeftOut, ...]
    people: tuple[Panel, ...]
    map: Map | None
    dictionary: tuple[Described, ...]
    preview: Preview
    held_notes: tuple[str, ...]


def dataset_pages(
    wanted: DesiredDataset, site: Site, language: Language, since: Collection[str] = ()
) -> dict[str, bytes]:
    """The pages of a dataset in a language, by their paths in its folder, and the rows that its script loads.

    A version's page is made of its manifest alone, so that hundreds of them cost little; one of a release that no
    more changes stays as it is.

    Args:
        wanted: what the portal should show.
        site: whose pages they are.
        language: in which they speak.
        since: the versions since which a file says what changed.

    Raises:
        OSError, duckdb.Error: the release's Parquet file cannot be read.
        StopIteration: it has none.
    """
    speaker = speaker_of(wanted.declaration, language)
    drawn = _read(wanted, speaker)
    pages = _Pages(wanted, site, speaker, tuple(all_versions(wanted)), frozenset(since))
    rows, loaded = script(drawn.preview)
    made = {
        "index.html": pages.dataset(drawn, loaded),
        "changes/index.html": pages.changes(),
        "versions/index.html": pages.versions(),
    }
    for one in pages.listed:
        if one.is_kept:
            made[f"versions/{one.release.version}/index.html"] = pages.version(one)
    placed = {in_language(f"datasets/{wanted.name}/{place}", language): page for place, page in made.items()}
    found = {place.split("/", 2)[2]: page for place, page in placed.items()}
    if language is Language.ENGLISH and len(drawn.preview.values) > FIRST_ROWS:
        found[SCRIPT] = rows
    return found


def dataset_page(wanted: DesiredDataset, site: Site, language: Language = Language.ENGLISH) -> str:
    """The page of a dataset alone."""
    speaker = speaker_of(wanted.declaration, language)
    drawn = _read(wanted, speaker)
    return (
        _Pages(wanted, site, speaker, tuple(all_versions(wanted)), frozenset())
        .dataset(drawn, script(drawn.preview)[1])
        .decode()
    )


def _read(wanted: DesiredDataset, speaker: Speaker) -> Drawn:
    declaration, rows = wanted.declaration, wanted.release.rows
    show = declaration.entry.show
    parquet = next(resource.path for resource in wanted.resources if resource.key == "parquet")
    with rows_of(declaration.table, parquet) as connection:
        figure = headline(connection, show.headline, rows, speaker) if show.headline else None
        drawn: list[Chart | LeftOut] = [chart(connection, one, declaration, speaker) for one in show.charts]
        if not show.charts:
            chosen, without = charts.draw(connection, declaration.table, wanted.release.data_date, speaker)
            drawn = [*chosen, *without]
        mapped = draw_map(connection, declaration, wanted.spatial, speaker)
        described = dictionary(connection, declaration.table, rows, speaker)
        empty = frozenset(one.field.name for one in described if one.filled == 0 and rows)
        held = held_rows(connection, ROWS, declaration.table).notes
        shown = preview(connection, declaration, _unseen(empty, described), speaker)
    left_out = [one for one in (figure, *drawn, mapped) if isinstance(one, LeftOut)]
    return Drawn(
        figure if isinstance(figure, Figure) else None,
        tuple(one for one in drawn if not isinstance(one, LeftOut)),
        tuple(left_out),
        tuple(draw_people(declaration, parquet, speaker)),
        mapped if isinstance(mapped, Map) else None,
        tuple(described),
        shown,
        held,
    )


def _unseen(empty: frozenset[str], described: Sequence[Described]) -> frozenset[str]:
    """Columns that the preview leaves out: no row fills them. A protected one says that it is suppressed."""
    return frozenset(one.field.name for one in described if one.field.name in empty and not one.field.protected)


@dataclass(frozen=True)
class _Pages:
    wanted: DesiredDataset
    site: Site
    speaker: Speaker
    listed: tuple[Version, ...]
    since: frozenset[str]

    def _render(self, template: str, place: str, **values: Any) -> bytes:
        wanted, name = self.wanted, self.wanted.name
        translation = self.speaker.translation
        return render(
            template,
            in_language(f"datasets/{name}/{place}", self.speaker.language),
            self.speaker.language,
            self.site,
            entry=wanted.declaration.entry,
            name=name,
            release=wanted.release,
            speaker=self.speaker,
            title=(translation.title if translation else "") or wanted.declaration.entry.title,
            is_translated=bool(translation and translation.title),
            base=_served(self.site, name),
            **values,
        )

    def dataset(self, drawn: Drawn, loaded: int) -> bytes:
        wanted, entry, translation = self.wanted, self.wanted.declaration.entry, self.speaker.translation
        files = {resource.key: resource.path.name for resource in wanted.resources}
        lines = opening.openings(wanted.declaration.table, files, _served(self.site, wanted.name))
        return self._render(
            "dataset.html",
            "index.html",
            drawn=drawn,
            description=(translation.description if translation else "") or entry.description,
            translation=translation,
            others=[one for one in wanted.declaration.translations if one.language != self.speaker.language.value],
            metadata=wanted.metadata,
            spatial=wanted.metadata.get("spatial"),
            where=place_of(wanted, self.speaker),
            outline=charts.outline(wanted.spatial) if wanted.spatial else None,
            row_is=(translation.each_row_is_a if translation else "") or entry.each_row_is_a,
            notes=notes_of(wanted.declaration, wanted.release),
            protection=protection_in_words(wanted.declaration, translation),
            resources=[resource for resource in wanted.resources if resource.key in WITH_ROWS],
            further=[one for one in wanted.resources if one.key in LISTED and one.key not in WITH_ROWS],
            machines=[one for one in wanted.resources if one.key not in LISTED],
            period=wanted.metadata.get("temporal"),
            frequency=FREQUENCIES.get(entry.frequency, entry.frequency),
            standing=wanted.standing,
            findings=sum(wanted.standing.open_findings.values()),
            kit=_kit(lines),
            versions=self.listed[:_NEWEST],
            all_versions=len(self.listed),
            as_of=as_of(wanted),
            since=[one.release.version for one in self.listed if one.release.version in self.since],
            has_changes=next(changed_versions(wanted, self.speaker), None) is not None,
            loaded=loaded,
            script=SCRIPT,
            words=place_words,
            dimensions=DIMENSIONS,
            severities=SEVERITIES,
            file_words=FILES,
            language_names=LANGUAGES,
            citation=citation(wanted, self._address(wanted.release.version)),
            structured=_embedded(schema_org(wanted, _served(self.site, wanted.name))),
        )

    def changes(self) -> bytes:
        entry = self.wanted.declaration.entry
        return self._render(
            "changes.html",
            "changes/index.html",
            versions=list(changed_versions(self.wanted, self.speaker)),
            kinds=CHANGES,
            keys=[self.speaker.title(self.wanted.declaration.table.field(key)) for key in entry.primary_key],
        )

    def _address(self, version: str) -> str:
        """Where a version stands for good; empty where nobody said what the portal's address is."""
        served = _served(self.site, self.wanted.name)
        return f"{served}versions/{version}/" if served else ""

    def versions(self) -> bytes:
        return self._render("versions.html", "versions/index.html", versions=self.listed, as_of=as_of(self.wanted))

    def version(self, version: Version) -> bytes:
        return self._render(
            "version.html",
            f"versions/{version.release.version}/index.html",
            version=version,
            has_since=version.release.version in self.since,
            citation=cited_as(self.wanted.declaration, version.release, self._address(version.release.version)),
        )


def _served(site: Site, name: str) -> str:
    return f"{site.base}datasets/{name}/" if site.base else ""


def _embedded(content: Mapping[str, Any]) -> Markup:
    """JSON that stands in a page: no text of it can end the element or begin a comment."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - nothing that HTML reads is left in it


def _kit(lines: Sequence[opening.Opening]) -> dict[str, list[opening.Opening]]:
    """The lines by the program that reads them."""
    found: dict[str, list[opening.Opening]] = {}
    for line in lines:
        found.setdefault(line.program, []).append(line)
    return found
