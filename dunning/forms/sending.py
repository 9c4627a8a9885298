"""The form that stops a part of sending: one policy, one customer or one channel."""

from typing import Any

from django import forms

from customers.models import Customer
from dunning.models import Channel, Policy, SwitchScope

EVERYTHING = SwitchScope.ALL.value
ONE_CUSTOMER = SwitchScope.CUSTOMER.value


def choices() -> list[Any]:
    """Everything, the channels and the policies; a customer is named by number."""
    policies = Policy.objects.filter(archived=False).order_by("name")
    return [
        ("", "Choose what"),
        (EVERYTHING, "Everything"),
        (ONE_CUSTOMER, "One customer"),
        ("One channel", [(f"channel:{key}", label) for key, label in Channel.choices]),
        ("One policy", [(f"policy:{policy.key}", policy.name) for policy in policies]),
    ]


class StopForm(forms.Form):
    """What is stopped, and why; everybody sees the reason."""

    what = forms.ChoiceField(label="What is stopped", choices=choices)
    customer = forms.CharField(
        label="Customer number", required=False, max_length=40, help_text="Only for one customer."
    )
    reason = forms.CharField(label="Why", max_length=200)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("what") == ONE_CUSTOMER:
            number = data.get("customer", "").strip()
            found = Customer.objects.filter(number=number).values_list("pk", flat=True).first()
            if found is None:
                self.add_error("customer", "No customer has this number.")
            data["customer_pk"] = found
        return data

    def target(self) -> tuple[SwitchScope, str]:
        """Scope and target of the switch."""
        what: str = self.cleaned_data["what"]
        if what == ONE_CUSTOMER:
            return SwitchScope.CUSTOMER, str(self.cleaned_data["customer_pk"])
        scope, _, target = what.partition(":")
        return SwitchScope(scope), target
