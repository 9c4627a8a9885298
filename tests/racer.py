"""One sending process of a race: waits for the start signal, then drains the outbox once.

    python -m tests.racer GO_FILE MOMENT

Renders plainly: what is raced is the claim, not the PDF.
"""

import json
import sys
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import django

django.setup()

from dunning.delivery import render as rendering  # noqa: E402  # after django.setup()
from dunning.delivery.mime import EmailContent  # noqa: E402
from dunning.dispatch import send_some  # noqa: E402


def plain(attempt, *, today):
    return EmailContent(subject=f"Account {attempt.customer_id}", text="Hello", html="<p>Hello</p>")


def main() -> None:
    go, moment = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
    rendering.render = plain
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not go.exists():
        time.sleep(0.01)
    sys.stdout.write(json.dumps(asdict(send_some(now=moment, seconds=None))))


main()
