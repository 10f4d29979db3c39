"""The UK register of companies: the publisher's monthly bulk file ("Free Company Data Product").

One zip with everything, or the same in several parts; one CSV in each. Known from the publisher's download page
and field list, and from kept files of 2020: the dialect is described in ``layout`` and ``quick``, what to do with
files that break it in ``careful``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sources import PullRequest, Reading, SourceError, SqlTable
from sources.companies_house import careful, page, quick
from sources.companies_house.layout import CsvFile, Tally, describe, may_hide
from sources.download_limits import DownloadLimits
from sources.local_files import local_items
from sources.naming import Item, missing_parts, name_in
from sources.pulling import bring
from sources.unpacking import is_zip, look_into, unpack
from warehouse.addresses import is_url, without_credentials
from warehouse.archive import Snapshot
from warehouse.declarations import Severity, SourceDeclaration, TableDeclaration, literal, quote
from warehouse.findings import Finding, said_sql
from warehouse.messages import counted, marked, message, sentences
from warehouse.staging import SCHEMA

_PAGE_LIMITS = DownloadLimits(max_bytes=5 << 20, timeout_seconds=60, deadline_seconds=300)


def pull(request: PullRequest) -> Snapshot:
    """Bring the newest set of files up to the logical day into the raw archive.

    The origin is the publisher's page (an address or a saved file), a zip or CSV (an address or a path), or a
    folder with files named as the publisher names them. The date in the names is the snapshot's. Of a folder, the
    newest date is taken even where not all of its parts are there: ``read`` says so.

    Raises:
        SourceError: there is no such set, or it cannot be had.
    """
    origin = request.origin or request.declaration.default_origin
    if origin is None:
        raise SourceError(f"{request.declaration.name}: no origin given, and none declared")
    pattern = request.declaration.file_names or ".*"
    if is_url(origin):
        items = [Item(origin, name_in(origin))] if _is_file(origin) else _of_page(origin, request)
    elif Path(origin).suffix.lower() in (".html", ".htm") and Path(origin).is_file():
        items = page.local_items(Path(origin), request.day, pattern)
    else:
        items = local_items(origin, request.day, pattern)
    return bring(request, items, is_dated=True, check=_check)


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The snapshot's CSV files as the table ``companies``.

    Values are trimmed, and what is empty then is NULL (a few previous names come with a space at the end);
    dates and counts are typed, everything else stays text as it stands: SIC texts whole, numbers of companies
    and postcodes untouched. Several parts make one table; ``_row`` counts within each file, its header being
    row 1.

    Raises:
        SourceError: a zip cannot be unpacked.
    """
    table = declaration.table("companies")
    files: list[CsvFile] = []
    findings: list[Finding] = []
    incomplete = _incomplete(snapshot)
    if incomplete:
        findings.append(
            Finding(
                rule="missing-part",
                severity=Severity.ERROR,
                message=sentences(
                    incomplete, message("What it holds is not known, so no company is taken for gone.")
                ),
                help=message("Put all parts into the folder, and run again."),
                table_name=table.name,
                file=snapshot.files[0].name,
            )
        )
    for raw in snapshot.paths():
        path, tally = _as_csv(raw, workspace)
        described, found = describe(path, raw.name, tally, table)
        findings += found
        if described is not None:
            files.append(described)

    def with_notes(reading: Reading) -> Reading:
        reasons = [reason for reason in (incomplete, reading.incomplete.get(table.name)) if reason]
        return replace(
            reading,
            findings=[*findings, *reading.findings],
            findings_sql=[*reading.findings_sql, _lost_zeros(table)] if files else [],
            incomplete={table.name: sentences(*reasons)} if reasons else {},
        )

    def carefully() -> Reading:
        return with_notes(careful.read(files, table, workspace))

    if not files:
        return with_notes(Reading(tables={}))
    if not all(file.tally.is_plain for file in files):
        return carefully()
    rows = sum(file.tally.lines - 1 for file in files)
    quickly = SqlTable(
        quick.query(files, table), rows=rows, fallback=carefully, number_rows=True, may_hide=may_hide(files)
    )
    return with_notes(Reading(tables={table.name: quickly}))


def _incomplete(snapshot: Snapshot) -> str:
    """Which parts of the whole are not there, as a sentence; empty if all are."""
    missing = missing_parts(file.name for file in snapshot.files)
    if not missing:
        return ""
    return counted(
        "Of {parts} parts {numbers} is missing.",
        "Of {parts} parts {numbers} are missing.",
        count=len(missing),
        parts=len(missing) + len(snapshot.files),
        numbers=", ".join(str(number) for number in missing),
    )


def _lost_zeros(table: TableDeclaration) -> str:
    """The SELECT of a finding on numbers that a spreadsheet has read as numbers; of no row where there are none.

    Most numbers of the register begin with a zero. Without it a number is not the company's any more, and it
    cannot be told how many zeros there were: the two-letter ones have lost none.
    """
    short = "count(*) FILTER (strlen(company_number) < 8 AND regexp_full_match(company_number, '[0-9]+'))"
    what, advice, said = said_sql(
        marked(
            "{short} of {count} company numbers have fewer than eight digits: their leading zeros are lost. The"
            " file"
            " went through a spreadsheet."
        ),
        marked("Take the file as the publisher gives it, and do not save it with a spreadsheet program."),
        short=short,
        count="count(*)",
    )
    severity = f"CASE WHEN {short} * 2 > count(*) THEN 'critical' ELSE 'warning' END"
    return (
        f"SELECT 'lost-zeros' AS rule, {severity} AS severity, {what} AS message, {advice} AS help,"
        f" {said} AS said,"
        f" {literal(table.name)} AS table_name, CAST(NULL AS VARCHAR) AS file, CAST(NULL AS VARCHAR) AS sheet,"
        " CAST(NULL AS BIGINT) AS row_number, CAST(NULL AS VARCHAR) AS column_name,"
        " CAST(NULL AS VARCHAR) AS value,"
        f" CAST(NULL AS VARCHAR) AS row_key FROM {SCHEMA}.{quote(table.name)} HAVING {short} > 0"
    )


def _is_file(url: str) -> bool:
    return name_in(url).lower().endswith((".zip", ".csv"))


def _of_page(url: str, request: PullRequest) -> list[Item]:
    """The files a download page offers."""
    from sources.http import Publisher  # imports requests

    with request.home.workspace("page") as workspace, Publisher(request.declaration, _PAGE_LIMITS) as publisher:
        fetched = publisher.fetch(url, workspace / "page.html", progress=request.progress)
        if fetched is None:  # cannot be without a note of an earlier look
            raise SourceError(f"{without_credentials(url)}: no page")
        text = (workspace / "page.html").read_text(encoding="utf-8", errors="replace")
    return page.items(text, url, fetched.location, request.day, request.declaration.file_names or ".*")


def _check(path: Path) -> None:
    """Refuse a file that is plainly none of the register's before it enters the archive."""
    if path.suffix.lower() == ".zip" or is_zip(path):
        look_into(path)
        return
    with path.open("rb") as file:
        start = file.read(512).lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise SourceError(f"{path.name}: a web page, not the file. Open the address in a browser.")


def _as_csv(raw: Path, workspace: Path) -> tuple[Path, Tally]:
    """The CSV in a file of the archive, and what was counted on the way."""
    tally = Tally()
    if raw.suffix.lower() == ".zip" or is_zip(raw):
        return unpack(raw, workspace / raw.stem, observe=tally.add)[0].path, tally
    with raw.open("rb") as file:
        while piece := file.read(1 << 20):
            tally.add(piece)
    return raw, tally
