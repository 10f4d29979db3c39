"""What is to be done: which snapshots have no verdict yet, and which dates a dataset is to be built for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date

from flows.declarations import Declarations
from flows.run import Run
from warehouse.archive import Snapshot
from warehouse.ledger import CurationRecord, SnapshotRecord, Verdict

Known = Mapping[str, Sequence[SnapshotRecord]]  # by source, its snapshots in the ledger
Curated = Mapping[str, Sequence[CurationRecord]]  # by dataset, what became of it so far


def is_known(run: Run, records: Sequence[SnapshotRecord], snapshot: Snapshot) -> bool:
    """Nothing would come of looking at this snapshot again: the same data, declaration and rules were judged."""
    for record in records:
        if record.snapshot_id == snapshot.id and record.fingerprint == run.declarations.fingerprint(
            snapshot.source, run.request.day
        ):
            is_held = record.verdict is Verdict.HELD
            return record.is_promoted or (is_held and not run.may_shrink(snapshot.source))
    return False


def due_builds(run: Run, known: Known, curated: Curated) -> dict[str, dict[date, str]]:
    """By dataset, the dates to build it for, with its inputs: all whose data are not those of the last build.

    So the order in which snapshots come in does not matter, and a late correction reaches all dates after its own.
    What is declared (model, catalogue entry, rules) counts for the newest date only: a release of the past stands
    as it was defined then. A dataset waits until all its sources have data, but for those it can do without; one
    that is held back is never built.
    """
    due: dict[str, dict[date, str]] = {}
    for name in run.request.datasets:
        if name in run.declarations.held_back:
            continue
        first = first_date(run.declarations, name, known)
        if first is None:
            continue
        done = {
            record.data_date: record.inputs
            for record in curated[name]
            if not (record.verdict is Verdict.HELD and run.may_shrink(name))
        }
        inputs = inputs_of(run.declarations, name, known, curated)
        newest = max(inputs)
        listed = {
            day: one
            for day, one in sorted(inputs.items())
            if day >= first and not _is_done(done.get(day, ""), one, is_newest=day == newest)
        }
        if listed:
            due[name] = listed
    return due


def lacking(declarations: Declarations, dataset: str, known: Known) -> list[str]:
    """The sources that a dataset waits for: those without data that it cannot do without, and those of which it
    needs any, where none has data. One that tells of verdicts needs any source.
    """
    if dataset in declarations.telling:
        return [] if any(known.values()) else ["any source"]
    needed, any_of = _needs(declarations, dataset)
    without_data = {source for source in needed | any_of if not any(s.is_promoted for s in known[source])}
    waits_for = needed & without_data
    return sorted(waits_for | any_of if any_of and any_of <= without_data else waits_for)


def first_date(declarations: Declarations, dataset: str, known: Known) -> date | None:
    """The first date for which a dataset lacks no source; None while it lacks one."""
    if lacking(declarations, dataset, known):
        return None
    if dataset in declarations.telling:
        return min(s.data_date for records in known.values() for s in records)
    needed, any_of = _needs(declarations, dataset)
    firsts = {
        source: min(s.data_date for s in known[source] if s.is_promoted)
        for source in needed | any_of
        if any(s.is_promoted for s in known[source])
    }
    one = min((firsts[source] for source in any_of if source in firsts), default=date.min)
    return max([*(firsts[source] for source in needed), one]) if firsts else None


def _needs(declarations: Declarations, dataset: str) -> tuple[frozenset[str], frozenset[str]]:
    """The sources that a dataset cannot do without, and those of which it needs any: one that could do without
    each of its sources needs one of them all the same.
    """
    entry, read = declarations.datasets[dataset].entry, declarations.models[dataset].sources
    any_of = frozenset(entry.needs_any_of)
    needed = read - any_of.union(entry.can_do_without)
    return needed, any_of if needed or any_of else read


def _is_done(built: str, inputs: str, *, is_newest: bool) -> bool:
    return built == inputs if is_newest else built.partition(".")[0] == inputs.partition(".")[0]


def inputs_of(declarations: Declarations, name: str, known: Known, curated: Curated) -> dict[date, str]:
    """By date of its data, what a dataset built for that date depends on: ``<data>.<declared>``.

    The first sum stands for the snapshots until then (of what tells of verdicts: for all verdicts until then), the
    second for model, catalogue entry, rules and reference lists.
    """
    model, dataset = declarations.models[name], declarations.datasets[name]
    parts = [
        model.fingerprint,
        dataset.entry.model_dump_json(),
        dataset.table.model_dump_json(),
        declarations.dataset_rules[name].model_dump_json(),
    ]
    if dataset.entry.disclosure:  # what others tell of the same people, decides what this one may
        others = declarations.populations[dataset.entry.disclosure.population].datasets.values()
        parts += [one.entry.model_dump_json() for one in others]
    if name in declarations.telling:
        parts.append(repr(declarations.told_of.titles()))
        used = _verdicts(declarations, known, curated)
    else:
        used = [
            (s.data_date, f"{s.source} {s.snapshot_id} {s.fingerprint}")
            for source in model.sources
            for s in known[source]
            if s.is_promoted
        ]
    declared = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    inputs = {}
    data = hashlib.sha256()
    for day, line in sorted(used):
        data.update(f"{line}\n".encode())
        inputs[day] = f"{data.hexdigest()}.{declared}"
    return inputs


def _verdicts(declarations: Declarations, known: Known, curated: Curated) -> list[tuple[date, str]]:
    """The verdicts on all snapshots, and on all datasets but those that tell of them, by date."""
    of_sources = [
        (s.data_date, f"{s.source} {s.snapshot_id} {s.fingerprint} {s.verdict} {s.is_promoted}")
        for records in known.values()
        for s in records
    ]
    of_datasets = [
        (one.data_date, f"{one.dataset} {one.inputs} {one.verdict} {one.rows}")
        for name, records in curated.items()
        if name not in declarations.telling
        for one in records
    ]
    return of_sources + of_datasets
