"""What a command's exit code says. A module of its own: ``--help`` needs nothing else of the house."""

from __future__ import annotations

DONE, FAILED, USAGE, HELD = 0, 1, 2, 3
CHANGES = 4  # of `plan --exit-code` only: publishing would change something, and nothing is held
