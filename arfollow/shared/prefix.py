"""``__prefix``: text that begins with a word, answered by an ordinary index.

PostgreSQL answers LIKE from the pattern index that Django makes beside an indexed text
column; SQLite compares code points, so a range says the same. Case counts: compare with a
folded column.
"""

from typing import Any

from django.db.models import Lookup

LAST = "\U0010ffff"
_ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class Prefix(Lookup[str]):
    """Begins with, by an index."""

    lookup_name = "prefix"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, values = self.process_lhs(compiler, connection)
        if connection.vendor == "sqlite":
            low = str(self.rhs)
            return f"({column} >= %s AND {column} < %s)", (*values, low, *values, low + LAST)
        return f"{column} LIKE %s", (*values, f"{str(self.rhs).translate(_ESCAPED)}%")


def folds(word: str) -> tuple[str, ...]:
    """A word as a database may have folded it: SQLite lowers only unaccented letters."""
    plain = "".join(c.lower() if c.isascii() else c for c in word)
    title = word[:1].upper() + word[1:].lower()
    accented = "".join(c.lower() if c.isascii() else c for c in title)
    return tuple(dict.fromkeys((word.lower(), plain, accented)))
