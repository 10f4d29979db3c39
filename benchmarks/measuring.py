"""Steps that are measured, each in a process of its own: seconds, processor seconds and peak memory."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

Step = Callable[[Path, Path], None]
"""Takes the file that is read and the home."""


class Steps:
    """The steps of a benchmark in the order in which they run; they share the home.

    Args:
        module: the benchmark's name, to run it again for a step.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._steps: dict[str, Step] = {}

    def __call__(self, function: Step) -> Step:
        """Make a function one of the steps, under its own name."""
        self._steps[function.__name__] = function
        return function

    def main(self, description: str, name: str, generate: Callable[[Path, int], None]) -> int:
        """The command line.

        Args:
            description: the benchmark's docstring.
            name: what the generated file is called.
            generate: writes it, with so many rows.
        """
        parser = argparse.ArgumentParser(prog=f"python -m {self._module}", description=description)
        parser.add_argument("--rows", type=int, default=500_000)
        parser.add_argument("--repeat", type=int, default=3)
        parser.add_argument("--file", type=Path, help="one made before; else it is generated")
        parser.add_argument("--step", choices=list(self._steps), help=argparse.SUPPRESS)
        parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
        given = parser.parse_args()
        if given.step:
            self._run(given.step, given.file, given.home)
            return 0
        with tempfile.TemporaryDirectory(prefix="opendistrict-bench-") as folder:
            file = given.file
            if file is None:
                file = Path(folder) / name
                started = time.perf_counter()
                generate(file, given.rows)
                print(f"generated {given.rows:,} rows in {time.perf_counter() - started:.1f} s")
            home = Path(folder) / "home"
            home.mkdir()
            print(f"{file.stat().st_size / 1e6:,.0f} MB; best of {given.repeat}")
            self._print(self._best(file, home, given.repeat))
        return 0

    def _best(self, file: Path, home: Path, repeat: int) -> dict[str, dict[str, float]]:
        best: dict[str, dict[str, float]] = {}
        for _ in range(repeat):
            for name in self._steps:
                figures = self._measure(name, file, home)
                known = best.setdefault(name, figures)
                best[name] = {key: min(known[key], figures[key]) for key in figures}
        return best

    def _measure(self, name: str, file: Path, home: Path) -> dict[str, float]:
        command = [sys.executable, "-m", self._module, "--step", name, "--file", str(file), "--home", str(home)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return figures

    def _run(self, name: str, file: Path, home: Path) -> None:
        started, before = time.perf_counter(), os.times()
        self._steps[name](file, home)
        after = os.times()
        used = resource.getrusage(resource.RUSAGE_SELF)
        figures = {
            "seconds": time.perf_counter() - started,
            "cpu": after.user + after.system - before.user - before.system,
            "peak_mb": used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024),
        }
        print(json.dumps(figures))

    @staticmethod
    def _print(best: dict[str, dict[str, float]]) -> None:
        """The table; the first step is what the others are compared with."""
        bare = next(iter(best.values()))
        print(f"{'step':<18}{'seconds':>9}{'x bare':>8}{'cpu s':>9}{'x bare':>8}{'peak MB':>10}")
        for name, figures in best.items():
            print(
                f"{name:<18}{figures['seconds']:>9.2f}{figures['seconds'] / bare['seconds']:>8.2f}"
                f"{figures['cpu']:>9.2f}{figures['cpu'] / bare['cpu']:>8.2f}{figures['peak_mb']:>10.0f}"
            )
