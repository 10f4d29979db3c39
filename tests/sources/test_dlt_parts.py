"""dlt is imported in one place, by one thread at a time: two that begin at two ends would leave it broken."""

import re
import subprocess
import sys

from sources import FOLDER

FOUR_ENDS = """
from concurrent.futures import ThreadPoolExecutor

def needs(part):
    from sources import dlt_parts
    return getattr(dlt_parts, part).__name__

parts = ["RESTClient", "PipelineStepFailed", "find_values", "dlt"]
with ThreadPoolExecutor(4) as pool:
    assert list(pool.map(needs, parts)) == parts
from sources.dlt_parts import dlt
dlt.pipeline("whole")
"""


def test_threads_that_need_different_parts_of_dlt_all_get_them():
    done = subprocess.run([sys.executable, "-c", FOUR_ENDS], capture_output=True)
    assert (done.returncode, done.stderr.decode()) == (0, "")


def test_nothing_imports_dlt_by_a_way_of_its_own():
    found = {
        str(path.relative_to(FOLDER))
        for path in FOLDER.rglob("*.py")
        for block in re.split(r"if TYPE_CHECKING:\n(?:    .*\n|\n)+", path.read_text(encoding="utf-8"))
        if re.search(r"^\s*(?:import dlt\b|from dlt\b)", block, re.MULTILINE)
    }
    assert found == {"dlt_parts.py"}
