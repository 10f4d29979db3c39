"""The empty workbook of a source, made from its declaration, and what is known of one that is handed in.

``making`` writes it, ``columns`` says how a column's cells may be filled, ``words`` has the texts in each
language, ``handed_in`` knows the workbook when it comes back: an older one, an empty one, one of another source.
"""

from sources.workbooks.template.handed_in import Refusal, look_at
from sources.workbooks.template.making import write_template
from sources.workbooks.template.words import LANGUAGES, Language

__all__ = ["LANGUAGES", "Language", "Refusal", "look_at", "write_template"]
