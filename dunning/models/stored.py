"""A policy as plain data, and the same policy as rows: one reads what the other wrote."""

from dataclasses import asdict
from typing import Any

from django.apps import apps
from django.apps.registry import Apps

from dunning.models.policies import Policy, PolicyStep, PolicyVersion, StepAction
from dunning.policy import (
    DEFAULT_PRESET,
    PRESETS,
    Action,
    Channel,
    Condition,
    PolicySettings,
    Reference,
    Step,
    Tone,
)
from dunning.policy import Policy as PlainPolicy


def store_version(
    row: Policy, plain: PlainPolicy, tables: Apps = apps, **fields: Any
) -> PolicyVersion:
    """Write a policy's next version and make it the current one; older ones stay (L27).

    A migration passes its own `tables`, so that it writes the columns of its time.
    """
    versions = tables.get_model("dunning", "PolicyVersion").objects
    newest = versions.filter(policy_id=row.pk).order_by("-number").first()
    versions.filter(policy_id=row.pk, current=True).update(current=False)
    version: PolicyVersion = versions.create(
        policy_id=row.pk,
        number=newest.number + 1 if newest else 1,
        reference=plain.reference,
        options=asdict(plain.settings),
        **fields,
    )
    for position, step in enumerate(plain.steps, start=1):
        _store_step(version.pk, position, step, tables)
    return version


def _store_step(version_id: int, position: int, step: Step, tables: Apps) -> None:
    row = tables.get_model("dunning", "PolicyStep").objects.create(
        version_id=version_id,
        position=position,
        step_key=step.step_key,
        day=step.day,
        tone=step.tone,
        repeat_every=step.repeat_every or None,
        repeat_max=step.repeat_limit,
        conditions={"only_if": list(step.conditions), "must_contain": list(step.must_contain)},
    )
    actions = tables.get_model("dunning", "StepAction")
    actions.objects.bulk_create(
        actions(step_id=row.pk, position=number, **_action_columns(action))
        for number, action in enumerate(step.actions, start=1)
    )


def _action_columns(action: Action) -> dict[str, Any]:
    return {
        "action_key": action.action_key,
        "channel": action.channel,
        "recipient_role": action.role,
        "needs_approval": action.approval,
        "options": {
            "certified": action.certified,
            "only_if": list(action.conditions),
            "also_escalation": action.also_escalation,
            "offers_plan": action.offers_plan,
            "note": action.note,
        },
    }


def plain_policies(version_ids: list[int] | None = None) -> dict[int, PlainPolicy]:
    """Policies by the id of their version, in three queries; None means the current ones."""
    versions = PolicyVersion.objects.select_related("policy").prefetch_related("steps__actions")
    chosen = (
        versions.filter(current=True)
        if version_ids is None
        else versions.filter(pk__in=version_ids)
    )
    return {version.pk: _plain(version) for version in chosen}


def _plain(version: PolicyVersion) -> PlainPolicy:
    return PlainPolicy(
        name=version.policy.name,
        description=version.policy.description,
        version=version.number,
        reference=Reference(version.reference),
        settings=PolicySettings(**version.options),
        steps=tuple(_plain_step(row) for row in version.steps.all()),
    )


def _plain_step(row: PolicyStep) -> Step:
    return Step(
        step_key=row.step_key,
        day=row.day,
        tone=Tone(row.tone),
        actions=tuple(_plain_action(action) for action in row.actions.all()),
        conditions=_conditions(row.conditions),
        repeat_every=row.repeat_every or 0,
        repeat_limit=row.repeat_max or 1,
        must_contain=tuple(row.conditions.get("must_contain", ())),
    )


def _plain_action(row: StepAction) -> Action:
    return Action(
        action_key=row.action_key,
        channel=Channel(row.channel),
        role=row.recipient_role,
        approval=row.needs_approval,
        certified=row.options.get("certified", False),
        conditions=_conditions(row.options),
        also_escalation=row.options.get("also_escalation", False),
        offers_plan=row.options.get("offers_plan", False),
        note=row.options.get("note", ""),
    )


def _conditions(values: dict[str, Any]) -> tuple[Condition, ...]:
    return tuple(Condition(value) for value in values.get("only_if", ()))


def install_presets(tables: Apps = apps) -> None:
    """Write the shipped policies that are missing, and a default enrolment where there is none."""
    policies = tables.get_model("dunning", "Policy").objects
    enrolments = tables.get_model("dunning", "Enrolment").objects
    for key, plain in PRESETS.items():
        row, created = policies.get_or_create(
            key=key.lower(), defaults={"name": plain.name, "description": plain.description}
        )
        if created:
            store_version(row, plain, tables)
    if not enrolments.filter(is_default=True).exists():
        default = policies.get(key=DEFAULT_PRESET.lower())
        enrolments.create(policy_id=default.pk, is_default=True)
