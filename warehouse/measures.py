"""What the checks measured: how many cells or rows a rule judged, and how many of them broke it.

The numbers from which the six dimensions of quality are worked out (``warehouse.quality``). They are counted where
a table is checked and kept with its findings, so that rules which hold are known as well as those that do not. Of
tables about people nothing is measured: counts of few people are people.
"""

from __future__ import annotations

from enum import StrEnum

# A broken cell or row is counted once in a dimension: with the worst of the rules that it breaks.
MEASURES_COLUMNS = """
    subject VARCHAR NOT NULL,      -- the source or the dataset
    table_name VARCHAR NOT NULL, rule VARCHAR NOT NULL,
    column_name VARCHAR NOT NULL,  -- the first column that the rule is about; '' where there is none
    dimension VARCHAR NOT NULL,    -- of warehouse.measures.Dimension
    judged BIGINT NOT NULL,        -- cells of the column, or rows of the table, that the rule is about
    failed BIGINT NOT NULL         -- those of them that break it
"""


class Dimension(StrEnum):
    """A side of quality; each is a share from 0 to 1, or nobody knows."""

    COMPLETENESS = "completeness"
    UNIQUENESS = "uniqueness"
    CONSISTENCY = "consistency"
    TIMELINESS = "timeliness"
    VALIDITY = "validity"
    ACCURACY = "accuracy"
