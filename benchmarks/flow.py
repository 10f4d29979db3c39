"""What Prefect costs: the same night as plain functions and as a flow, each in a process of its own.

    python -m benchmarks.flow [--repeat 3]

Prints seconds, best of the repeats: an empty flow (Prefect's own start: its server, its client, one run), a night
of the shipped sample, and the same night again, which has nothing to do.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sources import samples

SAMPLES = {name: str(path) for name, path in samples().items()}
PLAIN = """
import json
import sys
from datetime import date
from pathlib import Path
from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings, silence_telemetry
silence_telemetry()
with Direct() as runner:
    night(Run(Settings.of(Path(sys.argv[1])), RunRequest(date(2026, 11, 23), json.loads(sys.argv[2])), runner))
"""
EMPTY = """
import sys
from pathlib import Path
from flows.orchestration.server import prefect_api
from flows.settings import silence_telemetry
silence_telemetry()
with prefect_api(Path(sys.argv[1])):
    from prefect import flow
    flow(lambda: None, name="empty")()
"""


def seconds(*command: str) -> float:
    """How long a command takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def as_flow(home: Path) -> float:
    """The night as the command line runs it."""
    given = [f"--source={name}={path}" for name, path in SAMPLES.items()]
    program = "from flows.cli import main; main()"
    return seconds(sys.executable, "-c", program, "nightly", "--home", str(home), "--date", "2026-11-23", *given)


def plain(home: Path) -> float:
    """The same night without Prefect."""
    return seconds(sys.executable, "-c", PLAIN, str(home), json.dumps(SAMPLES))


def main() -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flow", description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    best: dict[str, float] = {}

    def note(name: str, taken: float) -> None:
        best[name] = min(taken, best.get(name, taken))

    for _ in range(repeat):
        with tempfile.TemporaryDirectory(prefix="opendistrict-bench-") as folder:
            flow_home, plain_home = Path(folder) / "flow", Path(folder) / "plain"
            note("plain, first night", plain(plain_home))
            note("plain, nothing to do", plain(plain_home))
            note("flow, first night (with a fresh Prefect database)", as_flow(flow_home))
            note("empty flow", seconds(sys.executable, "-c", EMPTY, str(flow_home)))
            note("flow, nothing to do", as_flow(flow_home))
    for name, taken in best.items():
        print(f"{name:<52}{taken:>7.1f} s")
    beyond = best["flow, nothing to do"] - best["empty flow"]
    print(f"{'nothing to do, beyond an empty flow':<52}{beyond:>7.1f} s")
    ratio = best["flow, first night (with a fresh Prefect database)"] / best["plain, first night"]
    print(f"{'first night, flow against plain':<52}{ratio:>7.2f} x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
