"""Rules: what a table's declaration demands, and what a rules file adds to it.

Both become the same thing, a ``Rule``: what it demands, our severity, the columns it is about, and words for the
person who has to mend the row. Rules files are of a source (``sources/<source>.yaml``) or of a dataset
(``datasets/<stem>.yaml``).
"""

from checks.rules.compile import compile_rules, fingerprint
from checks.rules.files import load_dataset_rules, load_source_rules, rules_of_datasets, rules_of_sources
from checks.rules.known import Known
from checks.rules.row_queries import ROW_ID
from checks.rules.rule import Rule, row_columns
from checks.rules.written import DatasetRules, SourceRules, WrittenRule

__all__ = [
    "ROW_ID",
    "DatasetRules",
    "Known",
    "Rule",
    "SourceRules",
    "WrittenRule",
    "compile_rules",
    "fingerprint",
    "load_dataset_rules",
    "load_source_rules",
    "row_columns",
    "rules_of_datasets",
    "rules_of_sources",
]
