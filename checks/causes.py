"""Findings put together by what caused them: what one deed mends is said once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from warehouse.declarations import Severity
from warehouse.findings import Finding
from warehouse.messages import counted
from warehouse.turns import TO_MEND


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong, with all findings of it, in the order of their places.

    ``message`` is that of the findings where they all say the same, else how many values are not as expected.
    """

    rule: str
    severity: Severity
    table_name: str | None
    column_name: str | None
    message: str
    help: str
    findings: tuple[Finding, ...]

    @property
    def is_to_mend(self) -> bool:
        """Something is held until it is mended; else it is a suggestion or an information."""
        return self.severity in TO_MEND


def causes(findings: Iterable[Finding]) -> list[Cause]:
    """The causes of findings: worst first, of equals the one with most findings."""
    together: dict[tuple[object, ...], list[Finding]] = {}
    for one in findings:
        key = (one.severity, one.rule, one.table_name, one.column_name, one.help)
        together.setdefault(key, []).append(one)
    found = [_cause(own) for own in together.values()]
    return sorted(found, key=lambda cause: (cause.severity.rank, -len(cause.findings)))


def _cause(found: list[Finding]) -> Cause:
    first = found[0]
    is_alike = len({str(one.message) for one in found}) == 1
    if is_alike:
        message = first.message
    elif first.heading:
        message = counted(
            "{count} value under “{column}” is not as it should be.",
            "{count} values under “{column}” are not as they should be.",
            len(found),
            column=first.heading,
        )
    else:
        message = counted(
            "{count} thing of this kind is not as it should be.",
            "{count} things of this kind are not as they should be.",
            len(found),
        )
    return Cause(
        first.rule, first.severity, first.table_name, first.column_name, message, first.help, tuple(found)
    )
