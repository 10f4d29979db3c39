"""Words for codes on a dataset's pages, as messages."""

from __future__ import annotations

from collections.abc import Mapping

from warehouse.messages import message

FREQUENCIES: Mapping[str, str] = {
    "CONT": message("continuously"),
    "DAILY": message("every day"),
    "WEEKLY": message("every week"),
    "MONTHLY": message("every month"),
    "QUARTERLY": message("every quarter"),
    "ANNUAL": message("every year"),
    "IRREG": message("irregularly"),
    "NEVER": message("never"),
}
DIMENSIONS: Mapping[str, str] = {
    "completeness": message("Completeness"),
    "uniqueness": message("Uniqueness"),
    "consistency": message("Consistency"),
    "timeliness": message("Timeliness"),
    "validity": message("Validity"),
    "accuracy": message("Accuracy"),
}
SEVERITIES: Mapping[str, str] = {
    "critical": message("critical"),
    "error": message("errors"),
    "warning": message("warnings"),
    "info": message("suggestions"),
}
CHANGES: Mapping[str, str] = {
    "added": message("added"),
    "changed": message("changed"),
    "removed": message("removed"),
    "held": message("held"),
    "released": message("no longer held"),
}
