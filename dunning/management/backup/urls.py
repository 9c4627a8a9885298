"""Addresses of a database beside another one, for programs and for processes of ours."""

from typing import Any
from urllib.parse import quote, urlencode

from django.db.utils import ConnectionHandler


def connection_words(server: dict[str, Any], name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What libpq is told, and the password apart: an argument can be read by everybody."""
    asked = ConnectionHandler({"default": server | {"NAME": name}})["default"]
    given = asked.get_connection_params()
    words = {key: given[key] for key in given if isinstance(given[key], str | int)}
    password = words.pop("password", None)
    words.pop("prepare_threshold", None)
    return words, {"PGPASSWORD": str(password)} if password else {}


def url_of(server: dict[str, Any], name: str) -> str:
    """As DATABASE_URL has it, with this name."""
    words, secret = connection_words(server, name)
    rest = {key: words[key] for key in words if key not in ("user", "dbname", "client_encoding")}
    user, password = str(words.get("user", "")), secret.get("PGPASSWORD", "")
    who = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return f"postgres://{who}@/{quote(name, safe='')}?{urlencode(rest)}"
