"""Policies as they are, who follows them, and what the next run would do."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from arfollow.shared import clock
from arfollow.shared.acting import ActionPage, act, posted
from arfollow.shared.events import actor_of
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import requires
from dunning import runs
from dunning.forms.policies import EnrolForm
from dunning.models import Channel, Enrolment, FollowUp, FollowUpState, Policy
from dunning.models.stored import plain_policies
from dunning.policy import Action, Condition, Reason, Step, sentence

CHANNELS = {channel.value: str(channel.label) for channel in Channel}
CONDITIONS = {
    Condition.NO_RESPONSE: "only without a response since",
    Condition.NO_INBOUND_SINCE_FINAL: "only if they were not in touch since the final demand",
    Condition.THREE_CONTACTS_MADE: "only after three contacts were made",
}
REFERENCES = {
    "due_date": "the due date",
    "later_of_issue_and_due_less_21": "the issue date, or 21 days before the due date if later",
}
OPTIONS = {
    "early_first_step": "First step as soon as two invoices are overdue",
    "one_message_per_invoice": "One message per invoice",
    "statements_monthly": "Monthly statement to overdue accounts",
    "offer_plan": "May offer a payment plan",
    "pause_min_business_days": "Shortest pause between steps, business days",
    "pause_max_days": "Longest pause between steps, days",
    "pace_same_business_days": "Until the next contact about the same invoice, business days",
    "pace_other_business_days": "Until a contact about another invoice, business days",
    "conversation_business_days": "A conversation covers younger invoices for, business days",
    "interest_per_contract": "Interest as the contract says",
}
OPEN = ~Q(state=FollowUpState.CLOSED)


@require_safe
@requires(Role.READ_ONLY)
def policy_list(request: HttpRequest) -> HttpResponse:
    policies = Policy.objects.filter(archived=False).prefetch_related("versions__steps")
    followed = dict(
        FollowUp.objects.filter(OPEN)
        .values_list("policy_version__policy")
        .annotate(n=Count("pk"))
        .order_by()
    )
    default = Enrolment.objects.filter(is_default=True).values_list("policy", flat=True).first()
    rows = [
        {"policy": policy, "steps": _steps(policy), "items": followed.get(policy.pk, 0),
         "default": policy.pk == default}
        for policy in policies.order_by("pk")
    ]  # fmt: skip
    return render(request, "dunning/policies.html", {"rows": rows})


def _steps(policy: Policy) -> int:
    return sum(version.steps.count() for version in policy.versions.all() if version.current)


@require_safe
@requires(Role.READ_ONLY)
def policy_detail(request: HttpRequest, pk: int) -> HttpResponse:
    policy = get_object_or_404(Policy, pk=pk)
    version = policy.versions.filter(current=True).first()
    open_ones = FollowUp.objects.filter(OPEN, policy_version__policy=policy)
    waiting = dict(open_ones.values_list("next_step").annotate(n=Count("pk")).order_by())
    plain = plain_policies([version.pk])[version.pk] if version else None
    context = {
        "policy": policy,
        "version": version,
        "reference": REFERENCES.get(version.reference, version.reference) if version else "",
        "options": _options(version.options if version else {}),
        "steps": [_step(step, waiting.get(step.step_key, 0)) for step in plain.steps]
        if plain
        else [],
        "enrolments": policy.enrolments.select_related("customer", "tag", "invoice")[:200],
    }
    return render(request, "dunning/policy.html", context)


def _step(step: Step, waiting: int) -> dict[str, Any]:
    repeats = f"every {step.repeat_every} days, at most {step.repeat_limit} times"
    return {
        "day": step.day,
        "tone": step.tone.value,
        "waiting": waiting,
        "actions": [_action(action) for action in step.actions],
        "repeats": repeats if step.repeat_every else "",
        "conditions": _words(step.conditions),
    }


def _action(action: Action) -> dict[str, Any]:
    name = CHANNELS[action.channel]
    return {
        "name": f"Certified {name.lower()}" if action.certified else name,
        "approval": action.approval,
        "note": action.note,
        "conditions": _words(action.conditions),
    }


def _words(conditions: tuple[Condition, ...]) -> str:
    return ", ".join(CONDITIONS[condition] for condition in conditions)


def _options(options: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (OPTIONS.get(key, key.replace("_", " ").capitalize()), _yes(value))
        for key, value in options.items()
    ]


def _yes(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


@require_http_methods(["GET", "POST"])
@requires(Role.MANAGER)
def policy_enrol(request: HttpRequest, pk: int) -> HttpResponse:
    policy = get_object_or_404(Policy, pk=pk)
    form = EnrolForm(posted(request))
    page = ActionPage(
        title="Who follows this policy",
        submit="Let them follow it",
        back=reverse("policy-detail", args=[pk]),
        sub=policy.name,
        text="A policy of an invoice counts before that of its customer, of a tag, and the "
        "default. The next run looks at everyone concerned again.",
    )

    def follow(_: Any) -> str:
        return f"{runs.enrol(policy.key, actor=actor_of(request.user), **form.target())}."

    return act(request, page, form, follow)


@require_safe
@requires(Role.READ_ONLY)
def policy_preview(request: HttpRequest) -> HttpResponse:
    """What a run would do today: decided in full, nothing written."""
    today = clock.today(Company.load().time_zone)
    report = runs.run(today, dry_run=True) if request.GET.get("look") else None
    context = {"today": today, "report": report, **(_figures(report) if report else {})}
    return render(request, "dunning/preview.html", context)


def _figures(report: runs.Report) -> dict[str, Any]:
    return {
        "planned": [
            (CHANNELS.get(channel, channel), number)
            for channel, number in report.planned_by_channel().items()
        ],
        "reasons": [
            (sentence(Reason(code)), number) for code, number in report.reasons.most_common()
        ],
    }
