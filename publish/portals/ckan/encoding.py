"""The data of CKAN's ``package_revise``, which takes every value as JSON in a field of a form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def encoded(data: Mapping[str, Any]) -> dict[str, str]:
    """A call's data as a form's fields, each of which CKAN decodes as JSON."""
    return {key: json.dumps(value) for key, value in data.items()}
