"""Faults of whole files: the records of a CSV, encodings, what is no workbook at all, what is somebody else's."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from sources.workbooks import template
from tests.broken.checking import declared, workbook_sources
from tests.broken.drafts import Draft, Page, draft, written
from tests.broken.planting import FAULTS, C, E, Fault, I, Planted, W, Wanted, fault
