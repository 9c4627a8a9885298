"""Two questions of a container or a load balancer: are you alive, and can you do your work?

``/livez`` touches nothing. ``/readyz`` answers 503 where the database or its migrations are
missing. A missing broker or a silent sender only degrades: the work is safe in the database, and
taking the web away would help nobody.
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
from dunning.models import Heartbeat

OK = "ok"
BROKER_TIMEOUT_SECONDS = 1
SENDER_SILENCE = timedelta(minutes=2)


@login_not_required
@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    needed = {"database": _answer(_database), "migrations": _answer(_migrations)}
    helpful = {"broker": _answer(_broker), "sender": _answer(_sender)}
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
    options = {"connect_timeout": BROKER_TIMEOUT_SECONDS}
    transport = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    with Connection(settings.CELERY_BROKER_URL, transport_options=transport, **options) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_TIMEOUT_SECONDS)
    return OK


def _sender() -> str:
    """Whoever drains the outbox leaves a sign of life each time it looks for work."""
    seen = Heartbeat.objects.filter(name="sender").values_list("at", flat=True).first()
    if seen is None:
        return "never seen"
    return OK if clock.now() - seen <= SENDER_SILENCE else "silent"
