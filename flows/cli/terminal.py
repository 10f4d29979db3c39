"""What a person sees in the terminal while something runs."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from rich.progress import TaskID

_COARSE_UNITS = ("windows", "datasets")  # of which a log is told one by one


class Terminal:
    """Progress on stderr: bars while it runs, gone at the end; where stderr is no terminal, a log line a step.

    Steps run side by side and tell their progress from threads of their own.
    """

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        console = Console(file=sys.stderr, highlight=False)
        self._is_watched = console.is_terminal
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[amount]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not self._is_watched,
        )
        self._tasks: dict[str, TaskID] = {}
        self._untotalled: set[str] = set()
        self._growing: set[str] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Terminal:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def progress(self, step: str, done: float = 0, total: float | None = None, unit: str = "") -> None:
        """Show a step. One that begins without amounts takes the place of those without amounts before it."""
        with self._lock:
            if self._is_watched:
                self._show(step, done, total, unit)
            else:
                self._log(step, done, total, unit)

    def _show(self, step: str, done: float, total: float | None, unit: str) -> None:
        if total is None and not done:
            for name in self._untotalled - {step}:
                self._bars.remove_task(self._tasks.pop(name))
            self._untotalled.intersection_update({step})
        name = unit if unit in _COARSE_UNITS else step  # the next window or dataset goes on in the same line
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task("", total=total, amount="")
        if total is None:
            self._untotalled.add(name)
        else:
            self._untotalled.discard(name)
        self._bars.update(
            self._tasks[name],
            description=escape(step),
            completed=done,
            total=total,
            amount=_so_far(done, total, unit),
        )
        if total and done >= total:
            self._bars.remove_task(self._tasks.pop(name))

    def _log(self, step: str, done: float, total: float | None, unit: str) -> None:
        """A line when a step begins; of coarse work (windows, datasets) a line a part.

        None of what was done as soon as it was told: it took no time in which anybody would ask.
        """
        if total and unit in _COARSE_UNITS:
            if done < total:
                _print_log(f"{step}, {done + 1:,.0f} of {_amount(total, unit)}")
            return
        if step not in self._growing and not (total and done >= total):
            _print_log(step)
        if total and done >= total:
            self._growing.discard(step)
        elif total or done:
            self._growing.add(step)


def _print_log(text: str) -> None:
    print(datetime.now(UTC).isoformat(timespec="seconds"), text, file=sys.stderr, flush=True)


def _so_far(done: float, total: float | None, unit: str) -> str:
    if not total:
        return _amount(done, unit) if done else ""
    return f"{_amount(done, 'bytes') if unit == 'bytes' else f'{done:,.0f}'} of {_amount(total, unit)}"


def _amount(number: float, unit: str) -> str:
    if unit == "bytes":
        return f"{number / 1e6:,.1f} MB"
    return f"{number:,.0f} {unit}".strip()
