"""The coordinator's own workbook back, with the wrong cells marked and a list of what to do.

Nothing of theirs is written anew: the file is opened as the package of parts that it is, what is ours is put in
between, and every other byte stays. Pictures, charts, macros and whatever else a program that reads and writes
workbooks would not know come back as they were, and so do the results of formulas. Cells are coloured by
conditional formats above all others, which come off again without a trace; what we say goes below what stands
in a cell's comment already; the list is a sheet of our own. When the workbook comes back mended, our former
marks are removed before new ones are made.
"""

from checks.annotate.annotating import Annotation, Kept, annotate
from checks.annotate.notes import COMMENT_MARK
from checks.annotate.words import COLOURS

__all__ = ["COLOURS", "COMMENT_MARK", "Annotation", "Kept", "annotate"]
