"""Great Expectations' own page about a suite (its Data Docs), made on demand from the account that was kept.

For whoever writes rules, on their own machine: the page loads its looks from hosts of others, so it is nothing to
be published. It shows counts alone, since nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def page_of(document: Mapping[str, Any]) -> str:
    """The HTML of a suite's account, as ``checks.expected.SuiteResult.document`` has it."""
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    results = []
    for one in document["results"]:
        asked = one["expectation_config"]
        configuration = ExpectationConfiguration(asked["type"], asked["kwargs"], asked.get("meta"))
        results.append(ExpectationValidationResult(**{**one, "expectation_config": configuration}))
    whole = ExpectationSuiteValidationResult(
        success=document["success"],
        results=results,
        suite_name=document["suite_name"],
        statistics=document["statistics"],
        meta=document.get("meta"),
    )
    view: Any = DefaultJinjaPageView()
    return str(view.render(ValidationResultsPageRenderer(run_info_at_end=True).render(whole)))
