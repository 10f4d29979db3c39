"""The schedule on one machine: nights and backfills served by one process. ``prefect.yaml`` is for several."""

from __future__ import annotations

import os
import warnings
from typing import cast

from flows.calendar import zone
from flows.settings import Settings, silence_telemetry

NIGHTLY_CRON = "0 2 * * *"


def serve_schedule(settings: Settings) -> None:
    """Serve the deployments ``nightly`` (02:00) and ``backfill`` (on demand) until told to stop.

    Uses the Prefect server that ``PREFECT_API_URL`` names; without one, starts one for as long as it serves. Runs
    go one after the other: they share a home.
    """
    silence_telemetry()
    os.environ["OPENDISTRICT_HOME"] = str(settings.home.root)
    os.environ["OPENDISTRICT_PORTAL"] = settings.portal
    from flows.orchestration.server import prefect_api

    is_own_server = not os.environ.get("PREFECT_API_URL")
    with prefect_api(settings.home.root, is_scheduling=True):
        from prefect import serve
        from prefect.deployments.runner import RunnerDeployment
        from prefect.schedules import Cron

        from flows.orchestration.nightly import backfill_flow, nightly

        # Prefect's handler of SIGTERM leaves a coroutine behind, and says so at the very end (3.8.8).
        warnings.filterwarnings("ignore", message=".*Runner.astop.*", category=RuntimeWarning)
        address = os.environ["PREFECT_API_URL"]
        print(f"Serving nightly ({NIGHTLY_CRON} {zone()}) and backfill from {settings.home.root}, by {address}.")
        if is_own_server:
            print(f"What runs, ran and was held: {address.removesuffix('/api')}")
        print("To run one now, in another terminal:")
        print(f"  PREFECT_API_URL={address} prefect deployment run nightly/nightly", flush=True)
        schedule = Cron(NIGHTLY_CRON, timezone=zone())
        serve(
            cast(RunnerDeployment, nightly.to_deployment("nightly", schedule=schedule)),
            cast(RunnerDeployment, backfill_flow.to_deployment("backfill")),
            limit=1,
            pause_on_shutdown=False,
            print_starting_message=False,
        )
