"""The ledger: what was pulled, what was decided of it, what was released, in which run. Rows in the warehouse.

The rooms tell one another through it: a source's snapshot and its verdict, a dataset's verdict, a release.

What a run came to is known only after the warehouse was swapped, and also where it was not touched: a run whose
sources all failed, or that could not publish. So a run's end is noted beside the warehouse, a small file a run
(``runs/<run>.json``, written whole or not at all), and ``runs`` puts both together.
"""

from warehouse.ledger.allowance_log import allowances, record_allowances
from warehouse.ledger.dataset_log import (
    curations,
    forget_newest_curation,
    made_of,
    noted_versions,
    record_curation,
    record_release,
    release_from,
    releases,
    rewrite_release,
)
from warehouse.ledger.finding_log import (
    corrections,
    count_findings,
    findings,
    ours_in_words,
    read_findings,
    replace_findings,
    take_findings,
    worst_in_words,
)
from warehouse.ledger.life_log import Moment, forget_spells, move_dataset_lives, move_lives
from warehouse.ledger.records import (
    Allowance,
    Connection,
    CorrectedCell,
    CurationRecord,
    LedgerError,
    RunRecord,
    Said,
    SnapshotRecord,
    TableLoad,
    Verdict,
)
from warehouse.ledger.run_log import begin_run, finish_run, last_said, next_run_id, note_run, now, runs
from warehouse.ledger.schema import SCHEMA_VERSION, copy_tables, create_ledger, lacking, refuse_newer
from warehouse.ledger.snapshot_log import promoted, record_snapshot, recount, snapshots, supersede
from warehouse.ledger.suite_log import Documents, record_suites, suites

__all__ = [
    "SCHEMA_VERSION",
    "Allowance",
    "Connection",
    "CorrectedCell",
    "CurationRecord",
    "Documents",
    "LedgerError",
    "Moment",
    "RunRecord",
    "Said",
    "SnapshotRecord",
    "TableLoad",
    "Verdict",
    "allowances",
    "begin_run",
    "copy_tables",
    "corrections",
    "count_findings",
    "create_ledger",
    "curations",
    "findings",
    "finish_run",
    "forget_newest_curation",
    "forget_spells",
    "lacking",
    "last_said",
    "made_of",
    "move_dataset_lives",
    "move_lives",
    "next_run_id",
    "note_run",
    "noted_versions",
    "now",
    "ours_in_words",
    "promoted",
    "read_findings",
    "record_allowances",
    "record_curation",
    "record_release",
    "record_snapshot",
    "record_suites",
    "recount",
    "refuse_newer",
    "release_from",
    "releases",
    "replace_findings",
    "rewrite_release",
    "runs",
    "snapshots",
    "suites",
    "supersede",
    "take_findings",
    "worst_in_words",
]
