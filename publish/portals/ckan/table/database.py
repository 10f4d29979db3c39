"""The DataStore's own database, PostgreSQL, where the operator gives us its address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publish.plans import PortalError
from publish.portals.ckan.table.reading import Shown
from publish.portals.ckan.table.state import HOLDS
from warehouse.declarations import literal, quote

if TYPE_CHECKING:
    import psycopg

SETTING = "OPENDISTRICT_DATASTORE_URL"
_CONNECT_S = 10
_BLOCK = 1 << 20


class Database:
    """A transaction in the DataStore's database, as the user that owns CKAN's tables.

    The address holds a password, and PostgreSQL's client repeats parts of an address in its errors: so of a failed
    connection its kind is told, and errors of the library are never chained to ours.
    """

    def __init__(self, connection: psycopg.Connection[Any], dataset: str) -> None:
        """Made by ``connect``."""
        self._connection = connection
        self._dataset = dataset

    @staticmethod
    @contextmanager
    def connect(address: str, dataset: str) -> Iterator[Database]:
        """A database; what is not committed in the end is rolled back.

        Raises:
            PortalError: it cannot be reached, or is no DataStore.
        """
        import psycopg

        problem = None
        try:
            connection = psycopg.connect(address, connect_timeout=_CONNECT_S, application_name="opendistrict")
        except (psycopg.Error, ValueError) as error:
            problem = PortalError(
                f"{dataset}: the DataStore's database cannot be reached ({type(error).__name__}). Check the"
                f" address in {SETTING} (postgresql://user:password@host:port/database, CKAN's"
                " ckan.datastore.write_url), or take the setting away: then the rows go through CKAN",
                is_transient=isinstance(error, psycopg.OperationalError),
            )
        if problem:
            raise problem
        try:
            database = Database(connection, dataset)
            database._become_owner()
            yield database
        finally:
            connection.close()

    def _become_owner(self) -> None:
        """Act as the user whose tables CKAN's are: others could make a table that CKAN cannot change."""
        # our transaction waits while the files are sent; nobody else may have to wait for us for long
        self.run(
            "SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '30s';"
            " SET search_path = public; SET datestyle = ISO; SET standard_conforming_strings = on"
        )
        owner = self.ask(
            "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('_table_metadata')"
        )
        if not owner:
            raise PortalError(
                f"{self._dataset}: {SETTING} leads to a database that is no DataStore of a CKAN; give CKAN's"
                " ckan.datastore.write_url"
            )
        self.run(f"SET ROLE {quote(str(owner[0][0]))}")

    def run(self, statement: str) -> None:
        """Execute SQL. Raises PortalError."""
        with self._told():
            self._connection.execute(statement.encode())

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query, a few. Raises PortalError."""
        found: list[tuple[Any, ...]] = []
        with self._told():
            found += self._connection.execute(query.encode()).fetchall()
        return found

    def commit(self) -> None:
        """Make it so."""
        with self._told():
            self._connection.commit()

    def copy_in(self, table: str, columns: Sequence[str], path: Path) -> None:
        """Load a file in the text format of COPY. Raises PortalError."""
        names = ", ".join(quote(name) for name in columns)
        statement = f"COPY {table} ({names}) FROM STDIN".encode()
        with self._told(), path.open("rb") as file, self._connection.cursor().copy(statement) as copy:
            while block := file.read(_BLOCK):
                copy.write(block)

    def copy_out(self, table: str, columns: Sequence[str], path: Path) -> Shown:
        """Save a table's columns as CSV. Raises PortalError."""
        names = ", ".join(quote(name) for name in columns)
        statement = f"COPY (SELECT {names} FROM {table}) TO STDOUT (FORMAT csv)".encode()
        with self._told(), path.open("wb") as file, self._connection.cursor().copy(statement) as copy:
            for block in copy:
                file.write(block)
        return Shown.of(path, columns)

    @contextmanager
    def _told(self) -> Iterator[None]:
        import psycopg

        problem = None
        try:
            yield
        except psycopg.Error as error:
            said = error.diag.message_primary or type(error).__name__
            problem = PortalError(
                f"{self._dataset}: the DataStore's database refuses the table: {' '.join(said.split())[:300]}",
                is_transient=isinstance(error, psycopg.OperationalError),
            )
        if problem:
            raise problem

    # --- CKAN's structure of a table ------------------------------------------------------------------

    def has(self, table: str) -> bool:
        """Whether a table of that quoted name is there."""
        return self.ask(f"SELECT to_regclass({literal(table)}) IS NOT NULL")[0][0] is True

    def create(self, table: str, columns: Sequence[Mapping[str, Any]]) -> None:
        """Make a table as CKAN makes them (2.11, 2.12).

        ``search_by`` follows when its rows are in; its indexes and its dictionary are ``datastore_create``'s.
        """
        typed = "".join(f", {quote(column['id'])} {column['type']}" for column in columns)
        self.run(f"CREATE TABLE {table} (_id serial PRIMARY KEY, _full_text tsvector{typed})")

    def search_by(self, table: str) -> None:
        """Have CKAN's function fill the column ``_full_text``, by which its search finds a row, from now on."""
        self.run(
            f"CREATE TRIGGER zfulltext BEFORE INSERT OR UPDATE ON {table}"
            " FOR EACH ROW EXECUTE PROCEDURE populate_full_text_trigger()"
        )

    def describe(self, table: str, columns: Sequence[Mapping[str, Any]], holds: str) -> None:
        """Write the dictionary and the note of whose rows the table holds, where CKAN keeps them: as comments."""
        import json

        query = (
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute"
            f" WHERE attrelid = {literal(table)}::regclass AND attnum > 0 AND NOT attisdropped"
        )
        standing = {str(name): str(comment or "") for name, comment in self.ask(query)}
        for place, column in enumerate(columns):
            comment = standing[column["id"]]
            # A space in front says that it is of the newer form, where other plugins keep things of theirs.
            others = json.loads(comment) if comment.startswith(" ") else {}
            info = {**column["info"], **({} if place else {HOLDS: holds})}
            text = " " + json.dumps({**others, "_info": info}, ensure_ascii=False, separators=(",", ":"))
            self.run(f"COMMENT ON COLUMN {table}.{quote(column['id'])} IS {literal(text)}")

    def content_sum(self, table: str, columns: Iterable[str], where: str = "true") -> int:
        """A sum of a table's rows, whatever their and the columns' order: 100,000 of 20 columns are 0.1 s.

        The sums of two parts of a table add up to that of the whole. ``where`` knows the table as ``t``.
        """
        row = ", ".join(quote(name) for name in sorted(columns))
        query = (
            f"SELECT coalesce(sum(hashtextextended(ROW({row})::text, 0)), 0)::text FROM {table} AS t WHERE {where}"
        )
        return int(self.ask(query)[0][0])

    def forget_count(self, rid: str) -> None:
        """Have CKAN count a table's rows anew (2.12 keeps the number; 2.11 has none to forget)."""
        if self.has("_table_stats"):
            self.run(f"DELETE FROM _table_stats WHERE resource_id = {literal(rid)}")


def words(columns: Sequence[Mapping[str, Any]]) -> str:
    """SQL for the words of a row as CKAN's trigger finds them: those of all values as JSON has them."""
    parts = [
        f"replace({quote(column['id'])}::text, ' ', 'T')"
        if column["type"] == "timestamp"
        else f"{quote(column['id'])}::text"
        for column in columns
    ]
    # A function takes no more than 100 arguments.
    groups = [f"concat_ws(' ', {', '.join(parts[start : start + 90])})" for start in range(0, len(parts), 90)]
    joined = " || ' ' || ".join(groups)
    return f"to_tsvector({joined})"
