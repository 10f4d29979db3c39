"""Names, texts and days as parts of SQL."""

from datetime import date


def quote(identifier: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal, quoted."""
    return "'" + text.replace("'", "''") + "'"


def day_literal(day: date) -> str:
    """A day as SQL."""
    return f"DATE '{day.isoformat()}'"
