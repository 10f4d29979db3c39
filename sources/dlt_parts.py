"""What we use of dlt, imported in one place; it takes seconds, so this module is imported where it is needed.

Threads look at sources side by side, and dlt's modules import one another in circles: two threads that import dlt
at once find half of it (with sixteen sources: AssertionError, ImportError, a deadlock of imports). Python lets one
thread at a time import *this* module, and with it everything that we use.
"""

from __future__ import annotations

import os

# Settings of dlt that have no argument. Whoever runs the house may set them otherwise in the environment.
# No telemetry; no log of failed statements, for they hold values of rows (what went wrong is raised anyway);
# no load id on every row (a staging file holds one load); no second try of a statement that DuckDB refused
# (dlt takes a malformed CSV for a passing fault and reads it five times).
for _name, _value in {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "NORMALIZE__MODEL_NORMALIZER__ADD_DLT_LOAD_ID": "false",
    "LOAD__RAISE_ON_MAX_RETRIES": "1",
}.items():
    os.environ.setdefault(_name, _value)

import dlt  # noqa: E402
import pandas  # noqa: E402, F401 - dlt looks into what it finds of it
from dlt.common.configuration.specs.runtime_configuration import RuntimeConfiguration  # noqa: E402
from dlt.common.jsonpath import find_values  # noqa: E402
from dlt.common.schema.utils import new_table  # noqa: E402
from dlt.destinations import duckdb as duckdb_destination  # noqa: E402
from dlt.extract import DltSource  # noqa: E402
from dlt.pipeline.exceptions import PipelineStepFailed  # noqa: E402
from dlt.sources.helpers.rest_client import paginators  # noqa: E402
from dlt.sources.helpers.rest_client.client import RESTClient  # noqa: E402

__all__ = [
    "DltSource",
    "PipelineStepFailed",
    "RESTClient",
    "RuntimeConfiguration",
    "dlt",
    "duckdb_destination",
    "find_values",
    "new_table",
    "paginators",
]
