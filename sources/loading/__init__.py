"""Loading a reading into its staging file, through a dlt pipeline with a frozen contract."""

from sources.loading.columns import arrow_schema, columns_of
from sources.loading.fingerprints import fingerprint
from sources.loading.staging import stage
from sources.loading.tidying import UNSEEN

__all__ = ["UNSEEN", "arrow_schema", "columns_of", "fingerprint", "stage"]
