"""Packages of grants as tables, in DuckDB.

A package is an object with a list ``grants``, or the bare list. A grant is an object of today's shape
(``recipientOrganization: [{id, name}]``) or of an old flat one (``RecipientOrgIdentifier``). Each is looked at as
a piece of JSON: what has another type than it should (a list for a name, a text for an amount) is read where that
is certain, and else left empty with a finding. A grant that lacks what makes it one (id, amount, currency, date,
funder, recipient) goes to quarantine by the declaration's rules.

A grant that several packages tell, or one tells twice, is taken once: the version modified last, else the first.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from sources import Reading, SqlTable
from warehouse import database
from warehouse.database import insert_rows
from warehouse.declarations import Severity, SourceDeclaration, TableDeclaration, literal, quote
from warehouse.findings import Finding, said_sql
from warehouse.messages import in_languages, marked, message, sentences
from warehouse.organisation_names import may_be_person

MAX_BYTES = 1 << 30
"""The largest packages that funders publish have some hundred megabytes; DuckDB holds a package in memory as a
whole."""

GRANTS, IDS = "grants", "individual_grant_ids"

# A text or a number as text; NULL for anything else. Paths are JSON pointers, whose names may hold spaces.
_MACROS = r"""
CREATE MACRO txt(j, p) AS CASE
    WHEN json_type(j, p) = 'VARCHAR' THEN nullif(trim(json_extract_string(j, p)), '')
    WHEN json_type(j, p) IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE') THEN json_extract_string(j, p)
    END;
CREATE MACRO first_of(j, p) AS CASE json_type(j, p)
    WHEN 'ARRAY' THEN json_extract(j, p || '/0') WHEN 'OBJECT' THEN json_extract(j, p) END;
CREATE MACRO is_given(j, p) AS coalesce(json_type(j, p), 'NULL') <> 'NULL';
CREATE MACRO money(j, p) AS CASE json_type(j, p)
    WHEN 'DOUBLE' THEN CAST(round(CAST(json_extract(j, p) AS DOUBLE), 2) AS VARCHAR) ELSE txt(j, p) END;
CREATE MACRO amount_of(t) AS CASE
    -- written by people, 1.234 may be a thousand or one
    WHEN regexp_full_match(t, '-?[0-9]{1,3}[.][0-9]{3}') THEN NULL
    WHEN regexp_full_match(t, '-?[0-9]+([.][0-9]+)?([eE][+]?[0-9]{1,2})?') THEN TRY_CAST(t AS DECIMAL(18,2))
    WHEN regexp_full_match(t, '[£€$]? ?[0-9]{1,3}(,[0-9]{3})*([.][0-9]{1,2})?')
    THEN TRY_CAST(regexp_replace(t, '[£€$, ]', '', 'g') AS DECIMAL(18,2)) END;
CREATE MACRO precision_of(t) AS CASE
    WHEN regexp_full_match(t, '[0-9]{1,2}/[0-9]{4}|[0-9]{4}-[0-9]{2}') THEN 'month'
    WHEN regexp_full_match(t, '[0-9]{4}') THEN 'year' ELSE 'day' END;
CREATE MACRO day_of(t) AS CASE
    WHEN regexp_full_match(t, '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+ ?(Z|[+-][0-9:]+)?)?')
    THEN TRY_CAST(substr(t, 1, 10) AS DATE)
    WHEN regexp_full_match(t, '[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}( [0-9:.]+)?')
    THEN CAST(try_strptime(split_part(t, ' ', 1), '%d/%m/%Y') AS DATE)
    WHEN regexp_full_match(t, '[0-9]{1,2}/[0-9]{4}') THEN CAST(try_strptime('01/' || t, '%d/%m/%Y') AS DATE)
    WHEN regexp_full_match(t, '[0-9]{4}-[0-9]{2}') THEN TRY_CAST(t || '-01' AS DATE)
    WHEN regexp_full_match(t, '[0-9]{4}') THEN TRY_CAST(t || '-01-01' AS DATE)
    WHEN regexp_full_match(t, '[0-9]{1,2} [A-Za-z]+ [0-9]{4}') THEN CAST(try_strptime(t, ['%d %B %Y', '%d %b %Y'])
    AS DATE) END;
CREATE MACRO listed(j, p, k) AS CASE WHEN json_type(j, p) = 'ARRAY' THEN
    nullif(array_to_string(list_filter(list_transform(CAST(json_extract(j, p) AS JSON[]), lambda x: txt(x, k)),
    lambda x: x IS NOT NULL), '; '), '') END;
"""

# What a grant says as texts; today's names first, then those that packages of the past have.
_TEXTS = """
    txt(grant_json, '/id') AS grant_id,
    txt(grant_json, '/title') AS grant_title,
    txt(grant_json, '/description') AS description,
    txt(grant_json, '/currency') AS currency,
    money(grant_json, '/amountAwarded') AS amount_awarded,
    money(grant_json, '/amountAppliedFor') AS amount_applied_for,
    money(grant_json, '/amountDisbursed') AS amount_disbursed,
    txt(grant_json, '/awardDate') AS award_date,
    coalesce(txt(planned, '/startDate'), txt(grant_json, '/Project Start Date')) AS planned_start_date,
    coalesce(txt(planned, '/endDate'), txt(grant_json, '/Project End Date')) AS planned_end_date,
    coalesce(txt(recipient, '/id'), txt(grant_json, '/RecipientOrgIdentifier')) AS recipient_org_id,
    coalesce(txt(recipient, '/name'), txt(grant_json, '/RecipientOrgName')) AS recipient_listed_name,
    CASE WHEN json_type(grant_json, '/recipientOrganization') = 'ARRAY'
    THEN json_array_length(grant_json, '/recipientOrganization')
    WHEN recipient IS NOT NULL OR is_given(grant_json, '/RecipientOrgName')
    OR is_given(grant_json, '/RecipientOrgIdentifier') THEN 1 ELSE 0 END AS recipient_count,
    txt(recipient, '/postalCode') AS recipient_postcode,
    coalesce(txt(funder, '/id'), txt(grant_json, '/FundingOrgIdentifier')) AS funder_org_id,
    coalesce(txt(funder, '/name'), txt(grant_json, '/FundingOrgName')) AS funder_name,
    txt(programme, '/code') AS programme_id,
    txt(programme, '/title') AS programme_title,
    listed(grant_json, '/beneficiaryLocation', '/name') AS beneficiary_location,
    txt(grant_json, '/regrantType') AS regrant_type,
    CASE json_type(grant_json, '/relatedActivity')
    WHEN 'ARRAY' THEN listed(grant_json, '/relatedActivity', '')
    WHEN 'VARCHAR' THEN txt(grant_json, '/relatedActivity') END AS related_activity,
    txt(grant_json, '/url') AS grant_url,
    txt(grant_json, '/dateModified') AS modified,
    txt(person, '/id') AS recipient_individual_id,
    txt(person, '/name') AS recipient_individual_name,
    len(list_filter(json_keys(grant_json), lambda k: regexp_matches(
        k, '(?i)^(recipient[ _]?ind(ividual)?|to[ _]?individuals?[ _]?details)(:|s?$)'
    ) AND is_given(grant_json, '/' || replace(replace(k, '~', '~0'), '/', '~1')))) > 0 AS says_individual
"""
# By its form an id of a register; the ids that funders give themselves begin with 360G.
_IS_REGISTERED = (
    "coalesce(regexp_full_match(recipient_org_id, '[A-Z]{2}-[A-Z]+-[A-Z0-9./-]*[0-9][A-Z0-9./-]*'), false)"
)
# What stands for an org-id may be anything: ids are not screened, so without this form none goes further.
_HAS_FORM = "regexp_full_match({0}, '(360G|[A-Z]{{2}}-[A-Z]+)-[^@]{{1,80}}')"
_DATES = ("award_date", "planned_start_date", "planned_end_date")
_AMOUNTS = ("amount_awarded", "amount_applied_for", "amount_disbursed")
_VALUES = (
    *(f"amount_of({name}) AS {name}_value" for name in _AMOUNTS),
    *(f"day_of({name}) AS {name}_value" for name in _DATES),
    "CASE WHEN day_of(award_date) IS NOT NULL THEN precision_of(award_date) END AS award_precision_code",
    "CASE WHEN regexp_full_match(currency, '[A-Za-z]{3}') THEN upper(currency) END AS currency_code",
    "day_of(modified) AS modified_date",
)
_TYPED = {
    **{name: f"{name}_value" for name in (*_AMOUNTS, *_DATES)},
    # What may name the person too: titles are "Grant to ...", funders make ids of names.
    **{
        name: f"CASE WHEN NOT is_withheld THEN {name} END"
        for name in ("grant_title", "description", "beneficiary_location", "grant_url")
    },
    "recipient_org_id": f"CASE WHEN NOT is_withheld AND {_HAS_FORM.format('recipient_org_id')}"
    " THEN recipient_org_id END",
    "funder_org_id": f"CASE WHEN {_HAS_FORM.format('funder_org_id')} THEN funder_org_id END",
    "recipient_name": "CASE WHEN NOT is_withheld THEN recipient_listed_name END",
    "recipient_kind_code": "CASE WHEN is_withheld THEN 'withheld' WHEN recipient_listed_name IS NULL"
    " THEN 'not_stated' ELSE 'organisation' END",
}
"""How a declared field is made where it is not the column of its name."""


def read_packages(paths: Sequence[Path], declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The packages as the declared tables.

    Args:
        paths: the packages.
        declaration: of the source.
        workspace: where the grants are written as Parquet, between being read and being loaded.
    """
    kept = workspace / "grants.parquet"
    findings: list[Finding] = []
    with database.opened(None, temporary=workspace) as connection:
        connection.execute(_MACROS)
        connection.execute("CREATE TABLE pieces (file VARCHAR, row_number BIGINT, grant_json JSON)")
        for path in paths:
            findings += _take(connection, path, workspace)
        unreadable = [finding for finding in findings if finding.rule == "unreadable-package"]
        if len(unreadable) == len(paths):
            return Reading({}, findings)
        _write(connection, kept)
        findings += _counted(connection, kept)
    tables = {
        table.name: SqlTable(_query(table, kept, _side(table.name)), may_hide="true")
        for table in declaration.tables
    }
    reason = sentences(*(finding.message for finding in unreadable))
    return Reading(
        tables,
        findings,
        quarantined_sql=[_no_objects(kept)],
        findings_sql=[_no_objects_found(kept), *_unread(declaration.table(GRANTS), kept)],
        incomplete=dict.fromkeys(tables, reason) if reason else {},
    )


def _take(connection: duckdb.DuckDBPyConnection, path: Path, workspace: Path) -> list[Finding]:
    """Put a package's grants among the pieces; what is wrong with the package as a whole."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        return [_no_package(path, message("has {bytes} bytes, more than {most}", bytes=size, most=MAX_BYTES))]
    try:
        plain = _without_bom(path, workspace)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE package AS SELECT json FROM read_json_objects({literal(str(plain))},"
            f" format = 'unstructured', maximum_object_size = {size + 1024})"
        )
        found = connection.execute(
            "SELECT count(*), any_value(json_type(json)), any_value(json_type(json, '/grants')) FROM package"
        ).fetchone()
    except duckdb.Error as error:
        said = str(error).splitlines()[0].rpartition(": ")[2][:120]
        return [_no_package(path, message("is no JSON: {error}", error=said))]
    values, kind, of_grants = found or (0, None, None)
    if values != 1:
        why = message("holds {values} values one behind the other, and not one package", values=values)
        return [_no_package(path, why)]
    if kind == "OBJECT" and of_grants == "ARRAY":
        grants = "json_extract(json, '/grants')"
    elif kind == "ARRAY":
        grants = "json"
    else:
        return [_no_package(path, message("has no list of grants"))]
    connection.execute(
        f"INSERT INTO pieces SELECT {literal(path.name)}, g.number, g.piece FROM package,"
        f" (SELECT unnest(CAST({grants} AS JSON[])) AS piece, generate_subscripts(CAST({grants} AS JSON[]), 1)"
        " AS number"
        " FROM package) AS g"
    )
    connection.execute("DROP TABLE package")
    return []


def _without_bom(path: Path, workspace: Path) -> Path:
    with path.open("rb") as file:
        if file.read(3) != codecs.BOM_UTF8:
            return path
        target = workspace / f"plain-{path.name}"
        with target.open("wb") as plain:
            while piece := file.read(1 << 20):
                plain.write(piece)
    return target


def _no_package(path: Path, why: str) -> Finding:
    return Finding(
        rule="unreadable-package",
        severity=Severity.ERROR,
        message=message("{file} {why}.", file=path.name, why=why),
        help=message("Fetch it again, and look at it at its publisher's; the other packages are taken."),
        file=path.name,
    )


def _write(connection: duckdb.DuckDBPyConnection, kept: Path) -> None:
    """Take the grants apart, and write them as Parquet."""
    parts = ", ".join(
        f"first_of(grant_json, '/{name}') AS {part}"
        for part, name in (
            ("recipient", "recipientOrganization"),
            ("funder", "fundingOrganization"),
            ("programme", "grantProgramme"),
            ("planned", "plannedDates"),
            ("person", "recipientIndividual"),
        )
    )
    connection.execute(
        # what one of several packages says went to a person went to one, whatever the others call it
        "CREATE TABLE told AS SELECT *, CASE WHEN grant_id IS NULL THEN says_individual"
        " ELSE bool_or(says_individual) OVER (PARTITION BY grant_id) END AS is_individual FROM ("
        "SELECT file, row_number, json_type(grant_json) AS kind, md5(grant_json) AS digest,"
        f" {_TEXTS} FROM (SELECT *, {parts} FROM pieces))"
    )
    connection.execute("DROP TABLE pieces")
    connection.execute("CREATE TABLE persons (name VARCHAR)")
    # Of names, not of grants: an organisation with a number in a register is none, whatever it is called.
    names = connection.execute(
        "SELECT DISTINCT recipient_listed_name FROM told WHERE recipient_listed_name IS NOT NULL AND NOT"
        " is_individual"
        f" AND NOT {_IS_REGISTERED}"
    )
    while batch := names.fetchmany(10_000):
        _keep_persons(connection.cursor(), (name for (name,) in batch))
    connection.execute(
        f"COPY (SELECT *, {', '.join(_VALUES)},"
        f" recipient_listed_name IN (FROM persons) AND NOT {_IS_REGISTERED} AS is_withheld,"
        # the same grant in several packages, or twice in one: the version modified last, else the one that says
        # more, else the first
        " CASE WHEN grant_id IS NULL THEN 1 ELSE row_number() OVER (PARTITION BY grant_id ORDER BY"
        " day_of(modified) DESC NULLS LAST, (grant_title IS NOT NULL) DESC, file, row_number) END AS copy,"
        " count(DISTINCT digest) OVER (PARTITION BY grant_id) AS versions"
        f" FROM told) TO {literal(str(kept))} (FORMAT parquet)"
    )


def _keep_persons(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    insert_rows(connection, "persons", [(name,) for name in names if may_be_person(name)])


def _from(kept: Path, condition: str) -> str:
    return f"FROM read_parquet({literal(str(kept))}) WHERE {condition}"


def _side(table: str) -> str:
    """SQL that is true for the grants of a table."""
    if table == GRANTS:
        return "NOT is_individual"
    return "is_individual AND grant_id IS NOT NULL" if table == IDS else "is_individual"


def _query(table: TableDeclaration, kept: Path, side: str) -> str:
    """The SELECT of a table's grants."""
    columns = ", ".join(
        f"CAST({_TYPED.get(field.name, quote(field.name))} AS {field.duckdb_type}) AS {quote(field.name)}"
        for field in table.fields
    )
    return (
        f"SELECT {columns}, file AS _file, CAST(NULL AS VARCHAR) AS _sheet, row_number AS _row"
        f" {_from(kept, f'''kind = 'OBJECT' AND copy = 1 AND {side}''')} ORDER BY file, row_number"
    )


_NO_OBJECT = "kind IS DISTINCT FROM 'OBJECT'"
_NOTHING = "CAST(NULL AS VARCHAR)"


def _no_objects(kept: Path) -> str:
    """The SELECT of what stands among the grants and is none: its kind only, since nobody knows what it holds."""
    return (
        f"SELECT {literal(GRANTS)} AS table_name, file, {_NOTHING} AS sheet, row_number,"
        f" CAST(to_json(struct_pack(kind := kind)) AS VARCHAR) AS record, {_NOTHING} AS row_key"
        f" {_from(kept, _NO_OBJECT)}"
    )


def _no_objects_found(kept: Path) -> str:
    what, advice, said = said_sql(
        marked("Among the grants stands {kind}, and no grant."),
        marked("Tell the publisher."),
        kind="coalesce(lower(kind), 'null')",
    )
    return (
        f"SELECT 'no-grant' AS rule, '{Severity.ERROR.value}' AS severity,"
        f" {what} AS message, {advice} AS help, {said} AS said, {literal(GRANTS)} AS table_name, file,"
        f" {_NOTHING} AS sheet, row_number,"
        f" {_NOTHING} AS column_name, {_NOTHING} AS value, {_NOTHING} AS row_key {_from(kept, _NO_OBJECT)}"
    )


def _unread(table: TableDeclaration, kept: Path) -> list[str]:
    """The SELECTs of findings on cells of grants to organisations that could not be read."""
    wanted = {
        **dict.fromkeys(_DATES, message("a date such as 2024-03-31")),
        **dict.fromkeys(_AMOUNTS, message("a number")),
        "currency_code": message("three letters such as GBP"),
    }
    found = []
    for name, expected in wanted.items():
        field = table.field(name)
        text, value = ("currency", name) if name == "currency_code" else (name, f"{name}_value")
        what, advice, said = said_sql(
            message(
                "{heading} cannot be read: expected is {expected}.",
                heading=in_languages(field.title, finnish=field.title_fi),
                expected=expected,
            ),
            in_languages(field.help, finnish=field.help_fi) or message("Tell the publisher."),
        )
        condition = (
            f"kind = 'OBJECT' AND copy = 1 AND NOT is_individual AND {text} IS NOT NULL AND {value} IS NULL"
        )
        found.append(
            f"SELECT 'unreadable' AS rule, '{field.severity.value}' AS severity, {what} AS message,"
            f" {advice} AS help, {said} AS said, {literal(table.name)} AS table_name, file,"
            f" {_NOTHING} AS sheet, row_number, {literal(name)} AS column_name, left({text}, 200) AS value,"
            f" grant_id AS row_key {_from(kept, condition)}"
        )
    return found


def _counted(connection: duckdb.DuckDBPyConnection, kept: Path) -> list[Finding]:
    """What is said once a package, with its count: individuals, copies, withheld names, months, missing texts."""
    whole = "kind = 'OBJECT' AND copy = 1 AND NOT is_individual"
    counts = {
        "to-individuals": (
            "kind = 'OBJECT' AND copy = 1 AND is_individual",
            message("grants went to individuals. They are counted, and nothing of them is published."),
        ),
        "copies": (
            "copy > 1",
            message(
                "grants are told in another place too, under the same id; the version modified last was taken."
            ),
        ),
        "differing-copies": (
            "copy > 1 AND versions > 1",
            message("of the grants that are told twice differ from their copy."),
        ),
        "withheld-recipient": (
            f"{whole} AND is_withheld",
            message("names of recipients are withheld: they may be persons."),
        ),
        "no-org-id": (
            f"{whole} AND NOT ({_HAS_FORM.format('recipient_org_id')} AND {_HAS_FORM.format('funder_org_id')})",
            message(
                "grants give as the id of recipient or funder what has not the form of one; it was left empty."
            ),
        ),
        "months-only": (
            f"{whole} AND award_precision_code <> 'day'",
            message("grants name no day of their award; the first of the month or year stands for it."),
        ),
        "no-title": (
            f"{whole} AND grant_title IS NULL",
            message("grants have no title, which the standard asks for."),
        ),
        "no-description": (
            f"{whole} AND description IS NULL",
            message("grants have no description, which the standard asks for."),
        ),
    }
    listed = ", ".join(f"count(*) FILTER ({condition})" for condition, _ in counts.values())
    rows = connection.execute(
        f"SELECT file, {listed} {_from(kept, 'true')} GROUP BY file ORDER BY file"
    ).fetchall()
    return [
        Finding(
            rule=rule,
            severity=Severity.INFO,
            message=message("{count} {what}", count=count, what=words),
            help=message("Nothing has to be done."),
            table_name=GRANTS,
            file=file,
        )
        for file, *found in rows
        for (rule, (_, words)), count in zip(counts.items(), found, strict=True)
        if count
    ]
