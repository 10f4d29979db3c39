"""The coordinator's own workbook back, with the wrong cells marked and a list of what to do.

Nothing of theirs is overwritten: cells are coloured by conditional formats, which lie above a cell's own fill
(one without a fill is filled as well) and come off again without a trace; what we say goes below what stands in a
cell's comment already; the list is a sheet of our own. When the workbook comes back mended, our former marks are
removed before new ones are made.
"""

from checks.annotate.annotating import Annotation, Kept, annotate
from checks.annotate.marks import COLOURS, COMMENT_MARK

__all__ = ["COLOURS", "COMMENT_MARK", "Annotation", "Kept", "annotate"]
