"""Which versions of a dataset are kept."""

from __future__ import annotations

from pydantic import Field

from warehouse.declared import Declared


class Keeping(Declared):
    """All versions of the last days, then the last one of each month, then the last one of each year for good.

    Never deleted: the latest version, the one it is compared with, the last one of a former major version for
    ``major_days``, and the only one that has rows which the latest lacks.
    """

    all_days: int = Field(90, ge=1)  # every version whose data are no older than so many days
    monthly_days: int = Field(1100, ge=1)  # then the last of each month
    major_days: int = Field(90, ge=90)
