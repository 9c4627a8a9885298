"""``/metrics``: what an alarm looks at, in Prometheus text, read from the database on each call.

Counters in a process would die with it and differ between workers; rows tell the truth. Only
states that are still open are counted, so the cost stays with what waits, not with what was.
Asked with ``Authorization: Bearer METRICS_TOKEN``, or by an admin who is logged in.
"""

import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Min, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from arfollow.shared import clock
from arfollow.staff.models import Company, User
from dunning.dispatch import PROCESSES, open_since, provider
from dunning.models import (
    AttemptState,
    ContactAttempt,
    DeliveryEvent,
    Heartbeat,
    Run,
    RunStatus,
    SendSwitch,
    Task,
    TaskStatus,
)

OPEN_STATES = (
    AttemptState.PLANNED,
    AttemptState.CLAIMED,
    AttemptState.SENDING,
    AttemptState.HELD,
    AttemptState.UNKNOWN,
)
RECENT = timedelta(days=1)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@login_not_required
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_read(request):
        return HttpResponseForbidden("A token or an admin's log-in is needed.\n")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(clock.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE)


def _may_read(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    shown = request.headers.get("Authorization", "")
    if token and hmac.compare_digest(shown.encode(), f"Bearer {token}".encode()):
        return True
    return isinstance(request.user, User) and request.user.may_administer


class Figures(Collector):
    """Everything an operator would want to be woken by, as of one moment."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield self._attempts()
        yield self._held()
        yield self._failed()
        yield self._oldest_due()
        yield from self._last_run()
        yield self._heartbeats()
        yield self._tasks()
        yield self._brakes()
        yield self._circuit()
        yield self._sent()
        yield self._oldest_unknown()
        yield self._unmatched_events()

    def _attempts(self) -> GaugeMetricFamily:
        gauge = _gauge("attempts_open", "Attempts that still wait.", "state", "channel")
        rows = ContactAttempt.objects.filter(state__in=OPEN_STATES)
        for state, channel, count in _counted(rows, "state", "channel"):
            gauge.add_metric([state, channel], count)
        return gauge

    def _held(self) -> GaugeMetricFamily:
        """A storm or stale payment data waits for a person; an approval is ordinary."""
        gauge = _gauge("attempts_held", "Attempts that are held back, by what for.", "cause")
        rows = ContactAttempt.objects.filter(state=AttemptState.HELD)
        for cause, count in _counted(rows, "held_for"):
            gauge.add_metric([cause], count)
        return gauge

    def _failed(self) -> GaugeMetricFamily:
        gauge = _gauge("attempts_failed_recently", "Failed in the last day.", "reason")
        since = (self.now - RECENT).date()
        rows = ContactAttempt.objects.filter(state=AttemptState.FAILED, local_date__gte=since)
        for reason, count in _counted(rows, "reason"):
            gauge.add_metric([reason], count)
        return gauge

    def _oldest_due(self) -> GaugeMetricFamily:
        """How late the oldest message is that should have left: the alarm for a dead sender."""
        rows = ContactAttempt.objects.filter(state=AttemptState.PLANNED, due_at__lte=self.now)
        oldest = rows.aggregate(oldest=Min("due_at"))["oldest"]
        return _single("oldest_due_seconds", "Age of the oldest due message.", self._age(oldest))

    def _last_run(self) -> Iterator[GaugeMetricFamily]:
        run = Run.objects.exclude(finished_at=None).order_by("-started_at").first()
        yield _single(
            "last_run_age_seconds",
            "Since the last finished run; -1 where there was none.",
            self._age(run.finished_at) if run else -1,
        )
        troubled = bool(run and run.status in (RunStatus.WARNING, RunStatus.FAILED))
        yield _single("last_run_troubled", "1 if it ended with warnings.", int(troubled))

    def _heartbeats(self) -> GaugeMetricFamily:
        gauge = _gauge("heartbeat_age_seconds", "Since a process was at work.", "name")
        for name, at in Heartbeat.objects.filter(name__in=PROCESSES).values_list("name", "at"):
            gauge.add_metric([name], self._age(at))
        return gauge

    def _tasks(self) -> GaugeMetricFamily:
        gauge = _gauge("tasks_open", "Tasks that people owe.", "kind")
        rows = Task.objects.filter(status=TaskStatus.OPEN)
        for kind, count in _counted(rows, "kind"):
            gauge.add_metric([kind], count)
        return gauge

    def _brakes(self) -> GaugeMetricFamily:
        gauge = _gauge("brakes_on", "Kill switches that are on.", "scope")
        for scope, count in _counted(SendSwitch.objects.filter(on=True), "scope"):
            gauge.add_metric([scope], count)
        company = Company.load()
        gauge.add_metric(["company_pause"], int(company.paused))
        gauge.add_metric(["shadow_mode"], int(company.shadow_mode))
        return gauge

    def _circuit(self) -> GaugeMetricFamily:
        gauge = _gauge("circuit_open_seconds", "Since the mail provider takes nothing.", "provider")
        gauge.add_metric([provider()], self._age(open_since()))
        return gauge

    def _sent(self) -> GaugeMetricFamily:
        text = "Left in the last day, by what the provider reported."
        gauge = _gauge("attempts_sent_recently", text, "channel", "reported")
        rows = ContactAttempt.objects.filter(state=AttemptState.SENT, sent_at__gt=self.now - RECENT)
        for channel, reported, count in _counted(rows, "channel", "provider_status"):
            gauge.add_metric([channel, reported or "nothing"], count)
        return gauge

    def _oldest_unknown(self) -> GaugeMetricFamily:
        rows = ContactAttempt.objects.filter(state=AttemptState.UNKNOWN)
        oldest = rows.aggregate(oldest=Min("sending_at"))["oldest"]
        text = "Age of the oldest delivery of which nobody can tell whether it left."
        return _single("oldest_unknown_seconds", text, self._age(oldest))

    def _unmatched_events(self) -> GaugeMetricFamily:
        count = DeliveryEvent.objects.filter(applied_at=None).count()
        return _single("delivery_events_waiting", "Provider reports not matched yet.", count)

    def _age(self, moment: datetime | None) -> float:
        return max((self.now - moment).total_seconds(), 0.0) if moment else 0.0


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"arfollow_{name}", text, labels=labels)


def _single(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"arfollow_{name}", text, value=value)


def _counted[Row: Model](rows: QuerySet[Row], *names: str) -> Iterator[tuple[Any, ...]]:
    """Each combination of these columns with how many rows it has, in a stable order."""
    yield from rows.values_list(*names).annotate(count=Count("pk")).order_by(*names)
