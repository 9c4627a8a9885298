"""Two questions of a container or a load balancer: are you alive, and can you do your work?

``/livez`` touches nothing. ``/readyz`` answers 503 where the database or its migrations are
missing. All else only degrades (a missing broker, a silent beat, sender or sweeper, a database
that belongs to another installation, a mail provider that takes nothing, messages that should
have left, a failed run): the work is safe in the database, and taking the web away would help
nobody.
"""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from kombu.connection import Connection
from kombu.exceptions import KombuError

from arfollow.shared import clock
from dunning.dispatch import open_since, provider
from dunning.models import AttemptState, ContactAttempt, Heartbeat, Run, RunStatus
from dunning.outbox import instance
from dunning.outbox.moves import SENT_BY_MACHINE

OK = "ok"
BROKER_TIMEOUT_SECONDS = 1
SENDER_SILENCE = timedelta(minutes=2)
BEAT_SILENCE = timedelta(minutes=5)
LATE = timedelta(minutes=15)


@login_not_required
@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    needed = {"database": _answer(_database), "migrations": _answer(_migrations)}
    helpful = {name: _answer(question) for name, question in HELPFUL.items()}
    ready = all(answer == OK for answer in needed.values())
    whole = ready and all(answer == OK for answer in helpful.values())
    status = OK if whole else "degraded" if ready else "down"
    return JsonResponse({"status": status, **needed, **helpful}, status=200 if ready else 503)


def _answer(question: Callable[[], str]) -> str:
    """The kind of trouble, never its text: an address or a password may be in there."""
    try:
        return question()
    except (DatabaseError, KombuError, OSError) as trouble:
        return type(trouble).__name__


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(pending)} pending" if pending else OK


def _broker() -> str:
    seconds = BROKER_TIMEOUT_SECONDS
    # One that takes connections and answers nothing must not keep the probe waiting either.
    transport = settings.CELERY_BROKER_TRANSPORT_OPTIONS | {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
    }
    with Connection(
        settings.CELERY_BROKER_URL, transport_options=transport, connect_timeout=seconds
    ) as broker:
        broker.ensure_connection(max_retries=1, timeout=seconds)
    return OK


def _sender() -> str:
    """Whoever drains the outbox leaves a sign of life each time it looks for work."""
    return _seen("sender", SENDER_SILENCE)


def _beat() -> str:
    """Each tick of the beat lets the planner look."""
    return _seen("planner", BEAT_SILENCE)


def _sweeper() -> str:
    """Without it nothing is put right after a crash."""
    return _seen("sweeper", BEAT_SILENCE)


def _instance() -> str:
    """A restored or copied database sends nothing, whatever else is well (D9)."""
    return instance.trouble() or OK


def _seen(name: str, longest: timedelta) -> str:
    at = Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()
    if at is None:
        return "never seen"
    return OK if clock.now() - at <= longest else "silent"


def _mail() -> str:
    return OK if open_since() is None else f"{provider()} takes nothing"


def _due() -> str:
    """Nothing should stand in the outbox long after its time."""
    late = ContactAttempt.objects.filter(
        state=AttemptState.PLANNED, due_at__lte=clock.now() - LATE, channel__in=SENT_BY_MACHINE
    )
    return "late" if late.exists() else OK


def _last_run() -> str:
    run = Run.objects.exclude(finished_at=None).order_by("-started_at").first()
    return "failed" if run is not None and run.status == RunStatus.FAILED else OK


def _unknown() -> str:
    number = ContactAttempt.objects.filter(state=AttemptState.UNKNOWN).count()
    return f"{number} to decide" if number else OK


HELPFUL: dict[str, Callable[[], str]] = {
    "broker": _broker,
    "beat": _beat,
    "sender": _sender,
    "sweeper": _sweeper,
    "instance": _instance,
    "mail": _mail,
    "due": _due,
    "last_run": _last_run,
    "unknown": _unknown,
}
