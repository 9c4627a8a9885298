"""The dashboard: where the money stands, what waits for people, what the last run did."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from arfollow import charts
from arfollow.shared import clock
from arfollow.shared.money import ZERO, with_currency
from arfollow.staff.models import Company
from dunning.models import Channel, Run
from dunning.policy.reasons import SENTENCES, Reason
from dunning.views.figures import Totals, ledger_totals, promised_this_week
from dunning.views.work import duties
from invoices.models import LedgerSource

MAX_CHARTS = 3


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    zone = Company.load().time_zone
    today = clock.today(zone)
    totals = ledger_totals(today)
    run = Run.objects.order_by("-started_at").first()
    context = {
        "today": today,
        "totals": totals,
        "kpis": kpis(totals, today),
        "charts": [ageing(total) for total in totals[:MAX_CHARTS]],
        "duties": duties(today, zone),
        "run": run,
        "planned": planned(run) if run else [],
        "reasons": reasons(run) if run else [],
        "sources": LedgerSource.objects.order_by("name"),
    }
    return render(request, "dunning/dashboard.html", context)


def kpis(totals: Sequence[Totals], today: date) -> list[dict[str, str]]:
    """The four figures on top, of the currency with the most overdue."""
    if not totals:
        return []
    main = totals[0]
    count, promised = promised_this_week(today)
    return [
        _kpi("Open", main, main.open, f"{main.open_invoices} invoices"),
        _kpi("Overdue", main, main.overdue, f"{main.overdue_customers} customers"),
        _kpi("Over 90 days", main, main.over_90, _share(main)),
        {
            "label": "Promised this week",
            "value": with_currency(promised.get(main.currency, ZERO), main.currency),
            "note": "1 promise" if count == 1 else f"{count} promises",
        },
    ]


def _kpi(label: str, total: Totals, amount: Decimal, note: str) -> dict[str, str]:
    value = with_currency(amount, total.currency)
    return {"label": label, "value": value, "note": note}


def _share(total: Totals) -> str:
    if not total.open:
        return "nothing is open"
    return f"{100 * total.over_90 / total.open:.0f} % of what is open"


def ageing(total: Totals) -> charts.Chart:
    return charts.ageing_bars(f"Ageing, {total.currency}", total.currency, total.buckets)


def planned(run: Run) -> list[tuple[str, int]]:
    """What the run planned for each channel, by the channel's label."""
    return [(Channel(name).label, count) for name, count in run.planned.items() if count]


def reasons(run: Run) -> list[tuple[str, int]]:
    """Why items got no step, as sentences, the most frequent first."""
    counted = sorted(run.reasons.items(), key=lambda pair: -pair[1])
    return [(_sentence(code), count) for code, count in counted]


def _sentence(code: str) -> str:
    return SENTENCES[Reason(code)] if code in set(Reason) else code.replace("_", " ")
