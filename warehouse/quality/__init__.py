"""Quality: the six dimensions of sources and datasets, their score, and what models may read of the ledger.

``dimensions`` and ``score_of`` answer for one source or dataset; ``create_quality_tables`` makes the tables from
which the public dataset about quality is built. All count from ``ledger.measures`` and ``ledger.findings``:
nothing depends on when a run ran, and nothing is told of tables about people.
"""

from warehouse.measures import Dimension
from warehouse.quality.dimensions import HELD_FACTOR, WEIGHTS, DimensionsOf, definition, title
from warehouse.quality.scores import Cause, Part, Score, dimensions, score_of
from warehouse.quality.tables import SCHEMA, Subjects, create_quality_tables

__all__ = [
    "HELD_FACTOR",
    "SCHEMA",
    "WEIGHTS",
    "Cause",
    "Dimension",
    "DimensionsOf",
    "Part",
    "Score",
    "Subjects",
    "create_quality_tables",
    "definition",
    "dimensions",
    "score_of",
    "title",
]
