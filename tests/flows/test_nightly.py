"""What Prefect is told of a night: what may be tried again, and in which state a run ends."""

from datetime import date

import pytest
from prefect.states import Failed

from flows.orchestration.nightly import POLICIES, can_pass, final_state
from flows.outcomes import DatasetOutcome, NightOutcome, PortalOutcome, SourceOutcome
from sources import SourceError


@pytest.mark.parametrize(
    ("error", "is_tried_again"),
    [
        (SourceError("503", is_transient=True), True),
        (SourceError("not a workbook"), False),
        (ValueError("a fault of ours"), False),
    ],
)
def test_only_what_can_pass_is_tried_again(error, is_tried_again):
    assert can_pass(None, None, Failed(data=error)) is is_tried_again


def test_nothing_that_writes_the_warehouse_is_tried_again():
    assert {kind for kind, policy in POLICIES.items() if policy.retry_delays} == {"pull"}
    assert all(policy.timeout_seconds for policy in POLICIES.values())


def night(source="loaded", dataset="released", problems=None):
    return NightOutcome(
        "nightly",
        date(2026, 11, 23),
        None,
        (SourceOutcome("agile_pilots", source, message="why"),),
        (DatasetOutcome("agile-pilots", dataset),),
        PortalOutcome("portal", problems=problems or {}),
    )


@pytest.mark.parametrize(
    ("outcome", "kind", "name"),
    [
        (night(), "COMPLETED", "Completed"),
        (night(source="held"), "CANCELLED", "Held"),  # neither green on the dashboard nor an alarm
        (night(dataset="held"), "CANCELLED", "Held"),
        (night(source="failed"), "FAILED", "Failed"),
        (night(problems={"agile-pilots": "away"}), "FAILED", "Failed"),
    ],
)
def test_the_state_a_run_ends_in(outcome, kind, name):
    state = final_state(outcome)
    assert (state.type.value, state.name) == (kind, name)
