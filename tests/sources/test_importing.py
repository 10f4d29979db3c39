"""dlt is imported by one thread at a time: two that begin at two ends would leave it broken."""

import subprocess
import sys

BOTH_ENDS = """
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from sources.importing import import_dlt

def needs(part):
    import_dlt()
    return import_module(part)

parts = ["dlt.sources.helpers.rest_client.client", "dlt.pipeline.exceptions", "dlt.common.jsonpath"]
with ThreadPoolExecutor(3) as pool:
    assert [part.__name__ for part in pool.map(needs, parts)] == parts
import dlt
dlt.pipeline("whole")
"""


def test_threads_that_need_different_parts_of_dlt_all_get_them():
    done = subprocess.run([sys.executable, "-W", "error::UserWarning:dlt", "-c", BOTH_ENDS], capture_output=True)
    assert (done.returncode, done.stderr.decode()) == (0, "")
