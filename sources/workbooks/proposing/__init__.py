"""A declaration proposed from a workbook that nobody prepared.

Every guess rests on what the house's own reading finds in the cells, and says so. ``finding`` looks for tables in
the sheets, ``kinds`` for the type of a column, ``texts`` for what its texts are, ``privacy`` for who may see it,
``naming`` for its name, ``keys`` for what identifies a row and what refers to another sheet. ``proposal`` puts it
together, ``written`` writes it down, ``vocabulary`` knows the words.
"""

from sources.workbooks.proposing.naming import slug_of
from sources.workbooks.proposing.proposal import Proposal, ProposedField, ProposedTable, propose
from sources.workbooks.proposing.written import as_yaml, comment, flow

__all__ = ["Proposal", "ProposedField", "ProposedTable", "as_yaml", "comment", "flow", "propose", "slug_of"]
