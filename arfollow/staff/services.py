"""Changes of the company and of staff, each with an event that tells who changed what."""

from typing import Any

from django.db import transaction
from django.forms import ModelForm

from arfollow.shared import events
from arfollow.shared.events import Actor, Entry

SECRET = frozenset({"password"})


def save_settings(form: ModelForm, what: str, *, actor: Actor) -> Any:  # type: ignore[type-arg]  # not generic at run time
    """Save a valid form of the company or of a person; an unchanged one leaves no trace."""
    with transaction.atomic():
        row = form.save()
        changed = [name for name in form.changed_data if name not in SECRET]
        if form.changed_data:
            labels = ", ".join(str(form.fields[name].label) for name in form.changed_data)
            entry = Entry(
                verb=f"{row._meta.model_name}.changed",
                object_type=str(row._meta.model_name),
                object_id=row.pk,
                summary=f"{what}: {labels}",
                values={name: [form.initial.get(name), _plain(form, name)] for name in changed},
            )
            events.record(entry, actor=actor)
    return row


def _plain(form: ModelForm, name: str) -> object:  # type: ignore[type-arg]  # not generic at run time
    """The new value as the form starts with it next time: a key, not a row."""
    value = form.cleaned_data[name]
    return form.fields[name].prepare_value(value)
