"""A table changed in the DataStore's own database: one transaction, committed when the files are switched."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from publish.plans import PortalError
from publish.portals.ckan.client import Client
from publish.portals.ckan.table.comparing import COLUMNS, DICTIONARY, FILL, ROWS, is_rekeyed, is_retyped
from publish.portals.ckan.table.database import SETTING, Database, words
from publish.portals.ckan.table.differing import as_declared, compare_rows, view_parquet, work_database
from publish.portals.ckan.table.reading import known_rows, wanted_parquet
from publish.portals.ckan.table.state import TableState, content_of, noted, sum_of, with_sum
from publish.portals.ckan.table.values import as_copied, refuse_unfit
from publish.portals.ckan.table.verifying import verify
from publish.portals.ckan.wanted import Wanted
from warehouse.declarations import FieldDeclaration, literal, quote
from warehouse.progress import Progress


class ThroughCopy:
    """A change of a table: made in an open transaction before the switch of the files, committed after it."""

    def __init__(
        self, client: Client, wanted: Wanted, table: TableState | None, kind: str, folder: Path, address: str
    ) -> None:
        """Opens no connection. ``address``: the database's; ``folder`` is for what is worked out."""
        self._client = client
        self._wanted = wanted
        self._table = table
        self._kind = kind
        self._folder = folder
        self._address = address
        self._stack = ExitStack()
        self._work = self._stack.enter_context(work_database(folder))
        self._knows_what_differs = False
        self._database: Database | None = None
        # with the sum of the rows, as soon as they are there
        is_same = table is not None and content_of(table.holds) == content_of(wanted.holds)
        self._holds = table.holds if table and is_same else wanted.holds

    def close(self) -> None:
        """Roll back what was not committed, and let go."""
        self._stack.close()

    def compute(self) -> None:
        """Find what differs from the release that the table is known to hold; else the database finds it.

        Raises:
            PortalError: the portal cannot hold the rows, or the database cannot be reached.
        """
        wanted = self._wanted
        view_parquet(self._work, "new_rows", wanted_parquet(wanted))
        if self._kind == DICTIONARY:
            return
        refuse_unfit(self._work, "new_rows", wanted.name, wanted.declared, wanted.primary_key)
        self._database = self._stack.enter_context(Database.connect(self._address, wanted.name))
        if self._kind != FILL and not self._database.has(self._name):
            raise PortalError(
                f"{wanted.name}: the database of {SETTING} does not have the table that the portal shows; it is"
                " another DataStore. Give this portal's ckan.datastore.write_url"
            )
        if self._kind == ROWS:
            self._knows_what_differs = self._found_from_file()

    @property
    def _name(self) -> str:
        return quote(self._wanted.table_id)

    @property
    def _db(self) -> Database:
        if self._database is None:
            raise AssertionError("compute comes first")
        return self._database

    def _found_from_file(self) -> bool:
        table, wanted = self._table, self._wanted
        known = known_rows(self._work, wanted, table) if table else None
        if known is None:
            return False
        as_declared(self._work, "old_rows", known, wanted.declared, is_kept=False)
        compare_rows(self._work, wanted.declared, wanted.primary_key)
        return True

    # --- before the switch ----------------------------------------------------------------------------

    def rehearse(self, progress: Progress) -> None:
        """Do all of it in the open transaction but what would make readers wait: columns that change.

        Raises:
            PortalError: the database refuses it; nothing was changed.
        """
        if self._kind == DICTIONARY:
            return
        progress(f"{self._wanted.name}: copy the rows", 0, self._wanted.rows, "rows")
        if self._kind == FILL:
            # one that is there is of a resource that was taken out of its dataset: nobody can see it
            self._db.run(f"DROP TABLE IF EXISTS {self._name} CASCADE")
            self._db.create(self._name, self._wanted.columns)
        typed = ", ".join(f"{quote(column['id'])} {column['type']}" for column in self._wanted.columns)
        self._db.run(f"CREATE TEMP TABLE copied ({typed}) ON COMMIT DROP")
        if self._knows_what_differs:
            parts = (f"SELECT {self._names} FROM {rows}" for rows in ("changed", "fresh"))
            self._work.execute(f"CREATE TABLE to_copy AS {' UNION ALL '.join(parts)}")
        self._copy("copied", self._wanted.declared, "to_copy" if self._knows_what_differs else "new_rows")
        if self._kind == FILL:
            self._db.run(
                f"INSERT INTO {self._name} ({self._names}, _full_text)"
                f" SELECT {self._names}, {self._words} FROM copied ORDER BY {self._keys}"
            )
            self._db.search_by(self._name)
            self._holds = with_sum(self._wanted.holds, self._content_sum())
        elif self._kind == COLUMNS:
            self._try_columns()
        else:
            self._change_rows()

    @property
    def _names(self) -> str:
        return ", ".join(quote(field.name) for field in self._wanted.declared)

    @property
    def _keys(self) -> str:
        return ", ".join(quote(name) for name in self._wanted.primary_key)

    @property
    def _words(self) -> str:
        """SQL for what CKAN's search finds a row by, which its trigger makes as well, at half the pace."""
        return words(self._wanted.columns)

    def begin(self) -> None:
        """Nothing: the note of whose rows the table holds changes with the rows."""

    def _copy(self, table: str, declared: tuple[FieldDeclaration, ...], rows: str) -> None:
        path = self._folder / "rows.txt"
        self._work.execute(
            f"COPY (SELECT {as_copied(declared)} FROM {rows}) TO {literal(str(path))}"
            " (FORMAT csv, HEADER false, DELIMITER '\t', QUOTE '', ESCAPE '', NULLSTR '\\N')"
        )
        self._db.copy_in(table, [field.name for field in declared], path)
        path.unlink()

    def _change_rows(self) -> None:
        """Delete, insert and update what differs; readers see none of it before the commit."""
        database, wanted, key = self._db, self._wanted, self._wanted.primary_key
        database.run("ANALYZE copied")
        same = " AND ".join(f"t.{quote(name)} = c.{quote(name)}" for name in key)
        untouched = None
        if self._knows_what_differs:
            types = {column["id"]: column["type"] for column in wanted.columns}
            typed = ", ".join(f"{quote(name)} {types[name]}" for name in key)
            database.run(f"CREATE TEMP TABLE gone ({typed}) ON COMMIT DROP")
            self._copy("gone", tuple(field for field in wanted.declared if field.name in key), "left_over")
            untouched = self._sum_of_untouched(same)
            database.run(f"DELETE FROM {self._name} AS t USING gone AS c WHERE {same}")
        else:
            database.run(f"DELETE FROM {self._name} AS t WHERE NOT EXISTS (SELECT FROM copied AS c WHERE {same})")
        names = [quote(field.name) for field in wanted.declared]
        old, new = (f"({', '.join(f'{row}.{name}' for name in names)})" for row in ("t", "c"))
        others = [*(quote(field.name) for field in wanted.declared if field.name not in key), "_full_text"]
        database.run(
            f"INSERT INTO {self._name} ({self._names}, _full_text) SELECT {self._names}, {self._words} FROM ("
            f"SELECT c.* FROM copied AS c LEFT JOIN {self._name} AS t ON {same}"
            f" WHERE t._id IS NULL OR {old} IS DISTINCT FROM {new}) AS differing ORDER BY {self._keys}"
            f" ON CONFLICT ({self._keys}) DO UPDATE"
            f" SET {', '.join(f'{name} = excluded.{name}' for name in others)}"
        )
        self._note(None if untouched is None else untouched + self._sum_of_those_in("copied", same))

    def _sum_of_untouched(self, same: str) -> int | None:
        """The sum of the rows that neither change nor go, as the table's note has it; None where it has none.

        Taken from the note and not from the table: what somebody edits while we are at work then stays to be seen.
        """
        total = sum_of(self._table.holds) if self._table else None
        if total is None:
            return None
        return total - self._sum_of_those_in("copied", same) - self._sum_of_those_in("gone", same)

    def _sum_of_those_in(self, rows: str, same: str) -> int:
        return self._content_sum(f"EXISTS (SELECT FROM {rows} AS c WHERE {same})")

    def _content_sum(self, where: str = "true") -> int:
        return self._db.content_sum(self._name, [field.name for field in self._wanted.declared], where)

    def _note(self, total: int | None = None) -> None:
        """Write whose rows the table holds, and their sum, by which the next look sees what somebody edited."""
        self._holds = with_sum(self._wanted.holds, self._content_sum() if total is None else total)
        self._db.describe(self._name, self._wanted.columns, self._holds)
        self._db.forget_count(self._wanted.table_id)

    def _try_columns(self) -> None:
        """See whether the columns can change (a view of somebody's may need one), and the key holds."""
        self._db.run(
            f"CREATE TEMP TABLE coming ON COMMIT DROP AS"
            f" SELECT {self._names}, {self._words} AS _full_text FROM copied"
        )
        self._db.run(f"CREATE UNIQUE INDEX ON coming ({self._keys})")
        self._db.run("SAVEPOINT tried")
        self._change_columns()
        self._db.run("ROLLBACK TO SAVEPOINT tried")  # readers waited for a moment; the lock goes with it

    def _change_columns(self) -> None:
        columns = {str(column["id"]): column for column in self._wanted.columns}
        standing = {str(column["id"]): column for column in (self._table.columns if self._table else ())}
        steps = [f"DROP COLUMN {quote(name)}" for name in standing if name not in columns]
        for name, column in columns.items():
            if name not in standing:
                steps.append(f"ADD COLUMN {quote(name)} {column['type']}")
            elif is_retyped(self._wanted, standing[name]):
                steps += [f"DROP COLUMN {quote(name)}", f"ADD COLUMN {quote(name)} {column['type']}"]
        if is_rekeyed(self._wanted, tuple(standing.values())):
            self._drop_key()
        for step in steps:
            self._db.run(f"ALTER TABLE {self._name} {step}")

    def _drop_key(self) -> None:
        query = (
            "SELECT indexrelid::regclass::text FROM pg_index"
            f" WHERE indrelid = {literal(self._name)}::regclass AND indisunique AND NOT indisprimary"
        )
        for (index,) in self._db.ask(query):
            self._db.run(f"DROP INDEX {index}")

    # --- after the switch -----------------------------------------------------------------------------

    def write(self, progress: Progress) -> None:
        """Commit; what CKAN itself keeps of a table it is told afterwards.

        Raises:
            PortalError: the database refuses it, or the portal shows something else afterwards.
        """
        if self._kind == COLUMNS:
            # In the same transaction, so readers wait for the new rows and never see an empty column.
            self._change_columns()
            self._db.run(f"DELETE FROM {self._name}")
            names = f"{self._names}, _full_text"
            self._db.run(f"INSERT INTO {self._name} ({names}) SELECT {names} FROM coming ORDER BY {self._keys}")
            self._note()
        if self._database is not None:
            self._database.commit()
        if self._kind != ROWS or (self._table and not self._table.is_active):
            self._tell_ckan()
        verify(self._client, self._wanted)

    def _tell_ckan(self) -> None:
        """Have CKAN make its indexes and note that the resource has a table; the rows stay."""
        data: dict[str, Any] = {
            "resource_id": self._wanted.table_id,
            "force": True,
            "fields": noted(self._wanted.columns, self._holds),
            "primary_key": list(self._wanted.primary_key),
        }
        if self._kind == DICTIONARY:
            del data["primary_key"]
        self._client.call("datastore_create", data)
