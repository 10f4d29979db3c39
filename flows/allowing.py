"""What somebody allowed on the portal: written down, and remembered for the version it was said of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

from flows.settings import Settings
from publish.plans import Allowed
from warehouse import ledger
from warehouse.lease import Lease
from warehouse.ledger import Allowance
from warehouse.store import reader, working_copy

# Rows that may vanish from a version may do so whenever it is shown. A word, a takedown or another machine's newer
# version may be another by then, so those are asked again.
_LASTING = ("shrink",)


def allowed_for(versions: Mapping[str, str], given: Allowed, noted: Iterable[Allowance]) -> Allowed:
    """What is allowed now: what is said now, and what was said of the very version that is to be shown.

    Args:
        versions: by dataset, the version that is to be shown.
        given: what is said now.
        noted: what the ledger remembers.
    """
    known = list(noted)
    lasting = {
        what: getattr(given, what)
        | {one.dataset for one in known if one.what == what and versions.get(one.dataset) == one.version}
        for what in _LASTING
    }
    return replace(given, **lasting)


def remember(
    settings: Settings, lease: Lease, run_id: str | None, datasets: Iterable[str], given: Allowed
) -> None:
    """Write down what is allowed, before anything is done with it: a killed run is then no reason to ask again.

    The warehouse is copied and swapped for that, so it is left alone where nothing new is said.

    Args:
        settings: where the home is.
        lease: of the run that is allowed it.
        run_id: of the run; None where it has none yet.
        datasets: those that are published.
        given: what is allowed; names of anything else are passed over.
    """
    wanted = frozenset(datasets)
    said = [(one.name, name) for one in fields(given) for name in sorted(getattr(given, one.name) & wanted)]
    if not said:
        return
    with reader(settings.home, settings.memory) as connection:
        noted = {(one.what, one.dataset, one.version) for one in ledger.allowances(connection)}
        versions = {name: ledger.releases(connection, name)[-1:] for _, name in said}
        run = run_id or ledger.next_run_id(connection, settings.home, ledger.now().date())
    new = [
        Allowance(run, name, what, latest.version, ledger.now())
        for what, name in said
        for latest in versions[name]
        if what not in _LASTING or (what, name, latest.version) not in noted
    ]
    if new:
        with working_copy(settings.home, lease, settings.memory) as copy:
            with copy.connect() as connection:
                ledger.record_allowances(connection, new)
            copy.commit()
