"""What work costs in CPU time, beside other work of the same test: a busy machine changes no ratio of the two."""

from __future__ import annotations

import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from xml.parsers import expat

T = TypeVar("T")


class CostlyError(BaseException):
    """Work took too much; no ``except Exception`` of what is tested keeps it from the test."""


def done_within(times: float, baseline: Callable[[], object], work: Callable[[], T]) -> T:
    """What the work gives. It is stopped when it has taken so many times the CPU time of the baseline."""
    began = time.process_time()
    baseline()
    allowed = times * (time.process_time() - began)

    def stop(*_: object) -> None:
        raise CostlyError(f"more than {times} times the CPU time of the baseline, {allowed / times:.3f} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, allowed)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def merely_parsed(workbook: Path, part: str = "xl/worksheets/sheet1.xml") -> None:
    """Look at every element of a part, and do nothing with it."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: None
    with zipfile.ZipFile(workbook) as archive:
        parser.Parse(archive.read(part), True)
