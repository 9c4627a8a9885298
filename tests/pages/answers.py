"""What the pages answer, for the tests of their buttons."""

from typing import Any

from django.contrib.messages import get_messages

from tests.dunning.calling import Line


def said(answer: Any) -> str:
    return " ".join(str(each) for each in get_messages(answer.wsgi_request))


def home(line: Line) -> str:
    return f"/customers/{line.customer.pk}/"


def errors(answer: Any) -> str:
    assert answer.status_code == 422
    text: str = answer.content.decode()
    return text[text.index("There is a problem") :]
