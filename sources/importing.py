"""dlt, imported by one thread at a time.

Its modules import one another in circles. Where two threads begin at two ends, one of them meets a half of dlt,
and dlt stays broken for as long as the program runs.
"""

from __future__ import annotations

from threading import Lock

_IMPORTING = Lock()


def import_dlt() -> None:
    """Import dlt as a whole, or wait until another thread has; it takes two seconds the first time.

    Whoever imports a part of dlt where others may do so too calls this first.
    """
    with _IMPORTING:
        import dlt  # noqa: F401 - whoever calls needs a part of it
        import pandas  # noqa: F401 - dlt looks into what it finds of it, be it half imported in another thread
