"""The dashboard: where the money stands, what waits for people, what the last run did."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from arfollow import charts
from arfollow.shared import clock
from arfollow.shared.lists import Column, export_links, export_of
from arfollow.shared.money import format_amount, with_currency
from arfollow.shared.templatetags.arf import day_short
from arfollow.staff.models import Company
from dunning import briefing
from dunning.briefing import Briefing, Change, RunWarning, Standing, Totals, Week
from dunning.briefing.aged import Aged, aged
from dunning.briefing.totals import LABELS
from dunning.models import Channel, Run
from dunning.policy.reasons import SENTENCES, Reason
from dunning.views.links import address
from dunning.views.work import duties
from invoices.aging import BUCKETS
from invoices.models import LedgerSource


def _bucket(name: str) -> Callable[[Aged], Decimal]:
    return lambda row: row.buckets[name]


LISTS = {
    "overdue": ("invoice-list", "?state=overdue&sort=-next_due_date"),
    "broken": ("worklist", "?kind=calls&who=all"),
    "disputed": ("invoice-list", "?state=disputed"),
    "sent-email": ("outbox", "?show=done"),
}


AGED = (
    Column("name", "Customer"),
    Column("number", "Number"),
    Column("owner", "Owner"),
    Column("currency", "Currency"),
    *(
        Column(name, LABELS.get(name, name.replace("-", "–")), value=_bucket(name))
        for name in BUCKETS
    ),
    Column("open", "Open"),
    Column("credits", "Credit notes left"),
    Column("unapplied", "Unapplied cash"),
    Column("net", "Net"),
)


@require_safe
def dashboard(request: HttpRequest) -> HttpResponseBase:
    company, now = Company.load(), clock.now()
    today = clock.today(company.time_zone)
    file = export_of(request, f"ageing {today}", AGED, aged(today), key="ageing")
    if file is not None:
        return file
    asked = request.GET.get("currency", "")
    found = briefing.read(company, today=today, now=now, currency=asked)
    run = found.run
    context = {
        "today": today,
        "briefing": found,
        "kpis": kpis(found),
        "tabs": tabs(found),
        **charts_of(found),
        "changes": [(change, amounts(change.amounts), list_of(change)) for change in found.changes],
        "duties": duties(today, company.time_zone),
        "run": run,
        "earlier": earlier(found),
        "planned": planned(run) if run else [],
        "reasons": reasons(run) if run else [],
        "exports": export_links(request, key="ageing"),
        "sources": LedgerSource.objects.order_by("name"),
    }
    return render(request, "dunning/dashboard.html", context)


def kpis(found: Briefing) -> list[dict[str, str]]:
    """The figures on top, of the currency in front."""
    main = found.main
    if main is None:
        return []
    code, totals = main.currency, main.totals
    return [
        _kpi("Open", code, totals.open, counted(totals.open_invoices, "invoice")),
        _kpi("Overdue", code, totals.overdue, _overdue_note(totals)),
        _neglected(main, found.standings),
        _kpi("Promised this week", code, main.promised, counted(main.promises, "promise"))
        | {"url": address("promise-list")},
        _kpi("Collected this month", code, main.collected, counted(main.payments, "payment")),
        {"label": "DSO, counted back", "value": in_days(main.dso), "note": dso_note(main)},
    ]


def _kpi(label: str, currency: str, amount: Decimal, note: str) -> dict[str, str]:
    value = format_amount(amount, currency)
    return {"label": f"{label}, {currency}", "value": value, "note": note}


def _overdue_note(totals: Totals) -> str:
    who = counted(totals.overdue_customers, "customer")
    return f"{who}, {100 * totals.over_90 / totals.open:.0f} % over 90 days"


def _neglected(main: Standing, standings: Iterable[Standing]) -> dict[str, str]:
    """The headline nobody wants: a link to its list, and plain words where there is none."""
    shown = _kpi("Neglected", main.currency, main.neglected, "all has owner and next action")
    others = {one.currency: one.neglected for one in standings if one is not main and one.neglected}
    if not main.neglected and not others:
        return shown | {"tone": "good"}
    notes = ["no owner, or nothing next"] if main.neglected else []
    notes += [f"also {amount}" for amount in amounts(others)]
    page = address("invoice-list")
    url = page and f"{page}?state=neglected"
    return shown | {"note": "; ".join(notes), "tone": "bad", "url": url}


def dso_note(main: Standing) -> str:
    """DSO against the best possible, and what late payment adds."""
    best = f"best possible {in_days(main.best_dso)}"
    return best if main.dso is not None else "nothing was invoiced lately"


def in_days(days: Decimal | None) -> str:
    return "unknown" if days is None else f"{days:.0f} days"


def counted(count: int, thing: str) -> str:
    return f"1 {thing}" if count == 1 else f"{count} {thing}s"


def amounts(found: Mapping[str, Decimal]) -> list[str]:
    """An amount in each currency, the largest first."""
    ranked = sorted(found.items(), key=lambda pair: -pair[1])
    return [with_currency(amount, currency) for currency, amount in ranked]


def list_of(change: Change) -> str:
    """The page on which a change can be looked at; nothing where there is none."""
    name, query = LISTS.get(change.key, ("", ""))
    page = address(name) if name else ""
    return page and f"{page}{query}"


def tabs(found: Briefing) -> list[dict[str, object]]:
    """A tab for each currency where there are several."""
    if len(found.standings) < 2:
        return []
    return [
        {"url": f"?currency={one.currency}", "label": one.currency, "current": one is found.main}
        for one in found.standings
    ]


def charts_of(found: Briefing) -> dict[str, charts.Chart]:
    """Ageing and expected cash of the currency in front."""
    if found.main is None:
        return {}
    code = found.main.currency
    ageing = charts.ageing_bars(f"Ageing, {code}", code, found.main.totals.buckets)
    return {"ageing": ageing, "expected": expected(code, found.weeks)}


def expected(currency: str, weeks: Iterable[Week]) -> charts.Chart:
    rows = [(day_short(week.start), week.promised, week.predicted) for week in weeks]
    title = f"Expected cash, 13 weeks, {currency}"
    return charts.stacked_bars(title, currency, ("Promised", "Predicted from habit"), rows)


def earlier(found: Briefing) -> list[RunWarning]:
    """Warnings about customers that the last run does not repeat."""
    told = set(found.run.warnings) if found.run else set()
    return [warning for warning in found.warnings if warning.text not in told]


def planned(run: Run) -> list[tuple[str, int]]:
    """What the run planned for each channel, by the channel's label."""
    return [(Channel(name).label, count) for name, count in run.planned.items() if count]


def reasons(run: Run) -> list[tuple[str, int]]:
    """Why items got no step, as sentences, the most frequent first."""
    counts = sorted(run.reasons.items(), key=lambda pair: -pair[1])
    return [(_sentence(code), count) for code, count in counts]


def _sentence(code: str) -> str:
    return SENTENCES[Reason(code)] if code in set(Reason) else code.replace("_", " ")
