"""Handing e-mail over: SMTP, a provider's API or a directory, under one total deadline."""

import queue
import threading
from collections.abc import Callable
from types import TracebackType

from anymail.backends.base import AnymailBaseBackend
from django.core.mail import mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend

from arfollow.shared import faults
from dunning.delivery import provider, smtp
from dunning.delivery.base import Ambiguous, DeliveryError, Frozen, NotTaken, Receipt, Refused
from dunning.delivery.fence import Fence
from dunning.delivery.frozen import as_mail

type Late = Callable[[Receipt], None]


class Mailbox:
    """One open way out, kept for a whole pass (one connection, many messages)."""

    def __init__(self, alias: str = "default") -> None:
        self.alias = alias
        self._backend: BaseEmailBackend | None = None

    def __enter__(self) -> "Mailbox":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say good-bye to the server."""
        backend, self._backend = self._backend, None
        if isinstance(backend, SmtpBackend):
            smtp.leave(backend)
        elif backend is not None:
            backend.close()

    def send(self, frozen: Frozen, *, deadline: float, late: Late | None = None) -> Receipt:
        """Hand over within ``deadline`` seconds in all, or raise a DeliveryError.

        Timeouts of a socket restart with each byte; only a thread of its own can be left
        behind. Where it had not begun the text, it never will: NotTaken. Otherwise what it
        learns after the deadline goes to ``late``.
        """
        backend, self._backend = self._backend or mailers[self.alias], None
        errand = _Errand(backend, frozen, late)
        errand.start()
        answer = errand.wait(deadline)
        self._backend = backend
        faults.point("C6")
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Errand(threading.Thread):
    """One delivery, which may be given up."""

    def __init__(self, backend: BaseEmailBackend, frozen: Frozen, late: Late | None) -> None:
        super().__init__(name=f"delivery-{frozen.attempt}", daemon=True)
        self.backend, self.frozen, self.late = backend, frozen, late
        self.answer: queue.Queue[Receipt | DeliveryError] = queue.Queue(1)
        self.fence, self.given_up = Fence(), threading.Event()
        self.decided = threading.Lock()

    def run(self) -> None:
        answer = deliver(self.backend, self.frozen, self.fence)
        faults.point("C5")
        with self.decided:
            if not self.given_up.is_set():
                self.answer.put(answer)
                return
        if self.late is not None and isinstance(answer, Receipt):
            self.late(answer)

    def wait(self, seconds: float) -> Receipt | DeliveryError:
        try:
            return self.answer.get(timeout=seconds)
        except queue.Empty:
            with self.decided:
                if not self.answer.empty():
                    return self.answer.get_nowait()
                self.given_up.set()
            raise self._cut(f"No answer within {seconds:g} seconds") from None

    def _cut(self, words: str) -> DeliveryError:
        """What the deadline proves: nothing, or that the text was never begun."""
        if self.fence.close():
            words = f"{words} while {self.fence.phase}."
            return NotTaken(words, is_outage=self.fence.connecting, cause=smtp.STALLED)
        return Ambiguous(f"{words}.")


def deliver(backend: BaseEmailBackend, frozen: Frozen, fence: Fence) -> Receipt | DeliveryError:
    """One delivery; every failure comes back classified."""
    try:
        if isinstance(backend, SmtpBackend):
            return smtp.send(backend, frozen, fence)
        if isinstance(backend, AnymailBaseBackend):
            return provider.send(backend, frozen, fence)
        fence.cross()
        return _local(backend, frozen)
    except DeliveryError as error:
        return error
    except Exception as error:  # noqa: BLE001  # whatever it was: see what the fence says
        said = f"{type(error).__name__}: {error}"[:300]
        return Ambiguous(said) if fence.crossed else NotTaken(said, cause=type(error).__name__)


def _local(backend: BaseEmailBackend, frozen: Frozen) -> Receipt:
    """Into a directory (or a test's memory): complete, or not there at all."""
    try:
        backend.send_messages([as_mail(frozen)])
    except OSError as error:
        raise NotTaken(f"The mail directory cannot be written: {error}", is_outage=True) from error
    except ValueError as error:
        raise Refused(str(error)[:300], reason="refused_address") from error
    return Receipt("file", frozen.headers.get("Message-ID", ""))
