"""History: when a row appeared, changed and vanished, kept as intervals of the dates the data speak of.

``history.<source>__<table>`` holds a row for every version of a record, valid from the date of the snapshot that
brought it until (not including) the date of the first snapshot that had it otherwise or said that it is gone.

A snapshot changes only what it *speaks of*. What that is follows from the table's ``delivery`` and from what could
be used of the snapshot:

* ``full``: it speaks of every record, by having it or by lacking it, except of those whose row was refused. Where
  a refused row does not say whose it is, or the table is known not to be whole, it speaks only of those it has.
* ``changes``: it speaks of the records it has; one is ended by its tombstone.
* ``append``: it speaks of the records it has, and nothing ever ends.

What a snapshot does not speak of stands as it stood. Which records those are is kept beside the history, in
``history.<source>__<table>__said``: of a full delivery the exceptions (``held``), of the others what was said.
So ``promote`` can put a snapshot in at its own date, wherever that lies among those already there: what it changes
goes on through later dates up to the first one that speaks of the record. The order of loading does not matter: a
night and a backfill end in the same history.
"""

from warehouse.history.promoting import promote
from warehouse.history.tables import HELD_COLUMNS, create_history, history_table, show_history
from warehouse.history.views import create_views

__all__ = ["HELD_COLUMNS", "create_history", "create_views", "history_table", "promote", "show_history"]
