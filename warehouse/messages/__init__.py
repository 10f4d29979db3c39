"""What is said to people: sentences in English that know how to be said in another language.

``message("The sheet {sheet} was not read.", sheet="Pilots")`` is a text like any other, the English sentence. It
remembers its template and its values, so ``said_in(text, Language.FINNISH)`` can say it in Finnish, also after it
went through the warehouse (``packed``, ``unpacked``). Translations are GNU gettext catalogues, a file a room:
``warehouse/messages/fi/<room>.po``. ``python -m dev.messages`` brings them up to date with the code, the rules
files and the templates, and a test holds that none is missing.

What stands in a declaration in both languages is a text ``in_languages``. What an owner wrote (a header, a value)
is never translated.
"""

from warehouse.messages.languages import Language, language_of
from warehouse.messages.said import said_in
from warehouse.messages.texts import (
    InLanguages,
    Listed,
    Message,
    counted,
    in_languages,
    is_said,
    listed,
    marked,
    message,
    packed,
    placeholders,
    sentences,
    unpacked,
)

__all__ = [
    "InLanguages",
    "Language",
    "Listed",
    "Message",
    "counted",
    "in_languages",
    "is_said",
    "language_of",
    "listed",
    "marked",
    "message",
    "packed",
    "placeholders",
    "said_in",
    "sentences",
    "unpacked",
]
