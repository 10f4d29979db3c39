"""Names and texts as parts of SQL."""


def quote(identifier: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal, quoted."""
    return "'" + text.replace("'", "''") + "'"
