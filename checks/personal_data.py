"""Personal data in what is to be public: cells are held, and no finding, record or name repeats what was seen.

``warehouse.personal`` says what the screen sees and what it cannot see.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb

from checks.rules.texts import quoted
from warehouse.declarations import (
    FieldDeclaration,
    Privacy,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    literal,
    quote,
)
from warehouse.findings import PERSONAL_DATA, WITHHELD, Finding, add_findings, key_sql, said_json
from warehouse.headings import Names
from warehouse.messages import Message, counted, in_languages, listed, marked, message
from warehouse.personal import EMAIL, IDENTITY, PHONE, personal_sql
from warehouse.staging import SCHEMA

RULE = PERSONAL_DATA
_KINDS = {
    EMAIL: marked("e-mail address"),
    PHONE: marked("phone number"),
    IDENTITY: marked("personal identity code"),
}
_WITHHELD = ("column_name", "value", "row_key")
_SAID = ("message", "help", "said", "heading")
_JSON = ("said", "record", "row_key")  # perhaps


def _screened(table: TableDeclaration) -> list[FieldDeclaration]:
    """The text columns that may be published, and the keys: they stand in findings whatever their class."""
    return [
        field
        for field in table.fields
        if field.type == "string"
        and field.screen
        and (field.privacy is Privacy.PUBLIC or field.name in table.primary_key)
    ]


def _hits(connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> dict[str, int]:
    """How many texts of a column hold personal data, by column; those without any are left out.

    All columns in one pass, one below the other: DuckDB compiles the screen once, and not for every column.
    """
    if not columns:
        return {}
    listed = ", ".join(quote(column) for column in columns)
    plain = ", ".join(f"{_plain(column)} AS {quote(column)}" for column in columns)
    rows = connection.execute(f"""
        SELECT name, count(*)
        FROM (UNPIVOT (SELECT {plain} FROM {relation}) ON {listed} INTO NAME name VALUE text)
        WHERE {personal_sql("text")} IS NOT NULL GROUP BY name""").fetchall()
    return dict(rows)


def _plain(column: str) -> str:
    r"""SQL: what the screen is to see of a column. Beside JSON the text that it stands for: in
    ``"Call\n0401234567"`` a letter stands before the number, and there is none.
    """
    name = quote(column)
    if column not in _JSON:
        return name
    text = rf"regexp_replace({name}, '\\(u[0-9a-fA-F]{{4}}|.)', ' ', 'g')"
    return f"CASE WHEN contains({name}, '\\') THEN concat_ws(' ; ', {name}, {text}) ELSE {name} END"


def screened_sql() -> str:
    """The SQL of all that the screen does with a text: another one means that what was judged is judged anew."""
    return personal_sql(_plain(_JSON[0]))


def screen_table(
    connection: duckdb.DuckDBPyConnection, source: str, table: TableDeclaration, names: Names
) -> None:
    """Write an error finding at every cell of a staged table that holds personal data and may be published.

    What such a finding costs, the row or the cell, is decided as for any other error. To be called before it is.
    ``names``: what its file calls the columns.
    """
    relation = f"{SCHEMA}.{quote(table.name)}"
    fields = _screened(table)
    hits = _hits(connection, relation, [field.name for field in fields])
    for field in fields:
        if field.name not in hits:
            continue
        kinds_sql = personal_sql(quote(field.name))
        found = f"(SELECT *, {kinds_sql} AS kinds FROM {relation}) WHERE kinds IS NOT NULL"
        for (kinds,) in connection.execute(f"SELECT DISTINCT kinds FROM {found} ORDER BY kinds").fetchall():
            words, advice = _said_of_cell(names.column(table.name, field.name), kinds)
            given = [source, table.name, RULE, Severity.ERROR.value]
            connection.execute(f"""
                INSERT INTO main.findings
                SELECT '', {", ".join(map(literal, given))}, _file, _sheet, _row, {literal(field.name)},
                       {literal(WITHHELD)}, {literal(words)}, {literal(advice)}, {key_sql(table)}, NULL,
                       {literal(said_json(words, advice) or "")}
                FROM {found} AND kinds = {literal(kinds)}""")


def _said_of_cell(column: str, kinds: str) -> tuple[str, str]:
    """Message and advice on a cell that holds these kinds of personal data."""
    words = message(
        "“{column}” holds personal data ({kinds}), so it is withheld.", column=column, kinds=_said(kinds)
    )
    advice = message(
        "Take it out: this column is published. If it is somebody's contact, keep it in a contact column."
    )
    return words, advice


def _said(kinds: str) -> str:
    """Kinds of personal data, as the screen gives them, in words."""
    return listed([Message(_KINDS.get(kind, kind), {}) for kind in kinds.split(", ")])


def screen_dataset(
    connection: duckdb.DuckDBPyConnection, relation: str, dataset: str, table: TableDeclaration
) -> list[Finding]:
    """The last look before a release: an error for every column with personal data, which holds the dataset.

    Its rows are computed, so which cell of which source a text came from is not known here.
    """
    fields = _screened(table)
    hits = _hits(connection, relation, [field.name for field in fields])
    return [
        Finding(
            rule=RULE,
            severity=Severity.ERROR,
            message=counted(
                "{column} holds personal data in {count} row, so the dataset is held.",
                "{column} holds personal data in {count} rows, so the dataset is held.",
                hits[field.name],
                column=quoted(in_languages(field.title, finnish=field.title_fi)),
            ),
            help=message(
                "Take it out at its source, or with: opendistrict withdraw {dataset} KEY --column {name}",
                dataset=dataset,
                name=field.name,
            ),
            table_name=table.name,
            column_name=field.name,
            value=WITHHELD,
        )
        for field in fields
        if field.name in hits
    ]


def screen_findings(connection: duckdb.DuckDBPyConnection, findings: str, quarantine: str | None = None) -> None:
    """Withhold personal data that findings and quarantined rows repeat.

    Args:
        connection: writes to the tables.
        findings: the table of findings.
        quarantine: the table of quarantined rows, if there is one. Of a record as JSON the values with personal
            data are withheld, of a line as it stood the whole line.
    """
    hits = _hits(connection, findings, [*_WITHHELD, *_SAID])
    for column in hits:
        hit = f"{personal_sql(_plain(column))} IS NOT NULL"
        if column in _WITHHELD:
            connection.execute(f"UPDATE {findings} SET {column} = {literal(WITHHELD)} WHERE {hit}")
        elif column in ("said", "heading"):  # its values one by one: a translation may join them in another way
            connection.execute(f"UPDATE {findings} SET {column} = NULL WHERE {hit}")
        else:
            words = message("What is wrong here cannot be said without repeating personal data.")
            advice = message("Take the personal data out first.")
            connection.execute(
                f"UPDATE {findings} SET message = $1, help = $2, said = $3 WHERE {hit}",
                [words, advice, said_json(words, advice)],
            )
    hits = _hits(connection, quarantine, ["row_key", "record"]) if quarantine else {}
    if "row_key" in hits:
        connection.execute(
            f"UPDATE {quarantine} SET row_key = NULL WHERE {personal_sql(_plain('row_key'))} IS NOT NULL"
        )
    if "record" not in hits:
        return
    # Value by value, and then once more as a whole: a line that is no JSON, or what only the joint of two cells
    # makes.
    plain, withheld = personal_sql("(e.value ->> '$')"), literal(json.dumps(WITHHELD))
    value = f"CASE WHEN {plain} IS NULL THEN CAST(e.value AS VARCHAR) ELSE {withheld} END"
    hit = f"{personal_sql(_plain('record'))} IS NOT NULL"
    connection.execute(f"""
        UPDATE {quarantine} AS q SET record = cleaned.record FROM (
            SELECT of.rowid AS id,
                   '{{' || string_agg(concat(to_json(e.key), ':', {value}), ',' ORDER BY e.id) || '}}' AS record
            FROM (SELECT rowid, record FROM {quarantine} WHERE json_valid(record) AND {hit}) AS of,
                 json_each(of.record) AS e
            GROUP BY of.rowid) AS cleaned
        WHERE q.rowid = cleaned.id""")
    connection.execute(f"UPDATE {quarantine} SET record = {literal(WITHHELD)} WHERE {hit}")


def withhold_keys(connection: duckdb.DuckDBPyConnection, source: SourceDeclaration) -> None:
    """Take the keys out of the findings on tables about people: a key says whose row it is, its place, where."""
    for table in source.tables:
        if table.about_people:
            connection.execute(f"UPDATE main.findings SET row_key = NULL WHERE table_name = {literal(table.name)}")


def screen_names(connection: duckdb.DuckDBPyConnection, source: SourceDeclaration) -> None:
    """Give files and sheets whose names hold personal data other names, everywhere in a staging file.

    A stand-in is "file 1" or "sheet 2". A finding says so without the name. It stays, as those of reading do. What
    a file calls a column is forgotten where it holds personal data: the declared title is said instead.
    """
    if _hits(connection, "main.headings", ["heading"]):
        connection.execute(f"DELETE FROM main.headings WHERE {personal_sql('heading')} IS NOT NULL")
    staged = [f"{SCHEMA}.{quote(table.name)}" for table in source.tables]
    kept = [
        f"main.{table}" for table in ("read_findings", "findings", "read_quarantine", "quarantine", "headings")
    ]
    for kind in ("file", "sheet"):
        columns = {**dict.fromkeys(staged, f"_{kind}"), **dict.fromkeys(kept, kind)}
        names = " UNION ".join(f"SELECT {column} AS name FROM {table}" for table, column in columns.items())
        hits = connection.execute(
            f"SELECT name, kinds FROM (SELECT name, {personal_sql('name')} AS kinds FROM ({names}))"
            " WHERE kinds IS NOT NULL ORDER BY name"
        ).fetchall()
        for number, (name, kinds) in enumerate(hits, start=1):
            stand_in = f"{kind} {number}"
            for table, column in columns.items():
                connection.execute(f"UPDATE {table} SET {column} = $1 WHERE {column} = $2", [stand_in, name])
            for table in kept[:2]:
                for column in ("value", "message", "help", "said"):
                    connection.execute(
                        f"UPDATE {table} SET {column} = replace({column}, $2, $1)", [stand_in, name]
                    )
            found = _named(kind, stand_in, kinds)
            add_findings(connection, source.name, [found])
            connection.execute(
                "INSERT INTO main.read_findings FROM main.findings WHERE rule = $1 AND message = $2",
                [RULE, found.message],
            )


def _named(kind: str, stand_in: str, kinds: str) -> Finding:
    """The finding on a name that holds personal data."""
    if kind == "file":
        said = message(
            "The name of a file holds personal data ({kinds}); it is called {stand_in} here.",
            kinds=_said(kinds),
            stand_in=quoted(stand_in),
        )
    else:
        said = message(
            "The name of a sheet holds personal data ({kinds}); it is called {stand_in} here.",
            kinds=_said(kinds),
            stand_in=quoted(stand_in),
        )
    return Finding(
        rule=RULE,
        severity=Severity.WARNING,
        message=said,
        help=message("Give it a name without personal data: names of files and sheets stand in reports."),
        file=stand_in if kind == "file" else None,
        sheet=stand_in if kind == "sheet" else None,
    )
