"""The beat's ticks. Messages carry nothing: losing or doubling one changes only when."""

from collections.abc import Callable

import structlog
from celery import shared_task

from arfollow.shared import clock
from arfollow.staff.models import Company
from dunning import dispatch, outcomes, runs, worklist
from dunning.briefing.alerts import plan_alert
from dunning.briefing.morning import plan_morning
from dunning.outcomes.supply import suggest_stops
from dunning.runs.select import customers_to_examine

log = structlog.get_logger(__name__)


@shared_task
def plan_due() -> None:
    """Decide for every customer whose day has come or whose ledger moved."""
    if _refused(dispatch.check_clock):
        return
    today = clock.today(Company.load().time_zone)
    dispatch.beat("planner", clock.now())
    outcomes.settle_promises(today)
    outcomes.settle_plans(today)
    outcomes.draft_thanks(today)
    outcomes.remind_of_promises(clock.now())
    runs.wake_after_changes()
    if customers_to_examine(today):
        runs.run(today, slot=f"{clock.now():%Y-%m-%dT%H:%M}")
        suggest_stops(today)
    worklist.renew(today)


@shared_task
def morning() -> None:
    """The figures of the day to everybody who works with them; the first tick of the day writes."""
    plan_morning(clock.now())
    plan_alert(clock.now())


@shared_task
def send_some() -> None:
    """Send what is due; no new claim after fifteen seconds, the next tick goes on."""
    if not _refused(dispatch.check_clock):
        _refused(dispatch.send_some)


@shared_task
def sweep() -> None:
    """Put right what a crash left behind."""
    if not _refused(dispatch.check_clock):
        dispatch.sweep()


def _refused(work: Callable[[], object]) -> bool:
    """Do it; True where this machine may not: a copy of the database, a clock that is wrong."""
    try:
        work()
    except (dispatch.NotOurDatabase, dispatch.WrongClock) as refusal:
        log.error("nothing is done", why=str(refusal))
        return True
    return False
