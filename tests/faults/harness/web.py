"""The web as a process of its own, and a person who works with it over HTTP."""

import os
import re
import signal
import subprocess
import sys
import time
from typing import Any

import requests
from django.conf import settings
from django.test import Client
from django.urls import reverse

from arfollow.staff.models import User
from customers.models import Customer
from tests.faults.harness.family import free_port
from tests.faults.harness.processes import until
from tests.faults.harness.world import ROOT, World

PATIENCE = 60
FIELD = 'name="{name}" value="([^"]+)"'


class Web:
    """A gunicorn as `up` starts it, with somebody logged in."""

    def __init__(self, world: World, env: dict[str, str]) -> None:
        self.world, self.slowest, self.refusals = world, 0.0, list[str]()
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        words = ["arfollow.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *words, "--log-level", "critical"],
            env=env,
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.browser = requests.Session()
        self.browser.cookies.set(settings.SESSION_COOKIE_NAME, _logged_in())

    def __enter__(self) -> "Web":
        """The first answers are slower, as after every start: they do not count."""
        until(self._is_up, PATIENCE)
        self.ask("get", "/")
        self.ask("get", "/readyz")
        self.slowest = 0.0
        return self

    def _is_up(self) -> bool:
        try:
            return bool(requests.get(f"{self.address}/livez", timeout=PATIENCE).ok)
        except requests.ConnectionError:
            return False

    def __exit__(self, *_ended: object) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ask(self, method: str, path: str, **words: Any) -> requests.Response:
        """One request; the time of the slowest is kept, and what was refused."""
        began = time.monotonic()
        answer = self.browser.request(
            method, f"{self.address}{path}", timeout=PATIENCE, allow_redirects=False, **words
        )
        self.slowest = max(self.slowest, time.monotonic() - began)
        if answer.status_code >= 400:
            self.refusals.append(f"{method} {path.split('/')[1]}: {answer.status_code}")
        return answer

    def pay(self, customer: Customer) -> bool:
        """Record the payment of everything, as a person does: look at the form, send it."""
        path = reverse("payment-add", args=[customer.pk])
        form = self.ask("get", path).text
        fields = {
            "csrfmiddlewaretoken": _hidden(form, "csrfmiddlewaretoken"),
            "token": _hidden(form, "token"),
            "amount": "400.00",
            "currency": customer.currency,
            "received_on": self.world.today.isoformat(),
            "method": "transfer",
        }
        answer = self.ask("post", path, data=fields)
        if answer.status_code != 302:
            self.refusals.append(f"the payment form answered {answer.status_code}")
        return answer.status_code == 302

    def ready(self) -> dict[str, str]:
        """What /readyz says; ``code`` is its status."""
        answer = self.ask("get", "/readyz")
        return {**answer.json(), "code": str(answer.status_code)}


def _logged_in() -> str:
    client = Client()
    client.force_login(User.objects.get(username="owner"))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _hidden(form: str, name: str) -> str:
    found = re.search(FIELD.format(name=name), form)
    return found.group(1) if found else ""
