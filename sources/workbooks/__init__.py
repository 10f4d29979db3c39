"""Workbooks that people keep, as declared tables: tolerant in form, strict in content.

What can be read in one way only is read: columns in any order, a title above the header, dates as dates or as
text, "5 000 €". What cannot is a finding that names the cell and says what to do; its value is missing in the
table, and the checks put the row aside. Nothing that stood in the file goes unmentioned.

``inbox`` brings a workbook into the archive; ``reading`` makes tables of its sheets: ``columns`` finds what is to
be read, ``rows`` which rows are records, ``evidence`` what a column's cells say together, ``cells`` each one.
"""

from sources.workbooks.inbox import pull
from sources.workbooks.reading import read

__all__ = ["pull", "read"]
