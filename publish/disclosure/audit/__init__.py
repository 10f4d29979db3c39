"""The audit: whether what is published of a population lets nobody learn of any one of its people.

It does not know how the suppressed cells were chosen. It grants whoever reads the releases all that is published,
now and before, the method and the rule, and for everything that is protected it looks for whole populations that
agree with all of it and in which it is otherwise. What the solver found counts only where ``addition`` says that
it adds up.
"""

from publish.disclosure.audit.addition import check
from publish.disclosure.audit.auditing import audit

__all__ = ["audit", "check"]
