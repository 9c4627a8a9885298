"""Which customers an import opens, and what it may add to those it knows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from invoices.imports.plan.names import near_names, normalised
from invoices.imports.plan.types import CustomerGap, Known, NewCustomer, Plan
from invoices.imports.readers import CustomerFields, Remark

Spoken = Mapping[str, Sequence[CustomerFields]]
"""What the rows say about each customer, by its key."""


def customer_key(fields: CustomerFields) -> str:
    """What a source calls a customer: its number, else its normalised name (L33)."""
    return fields.number or normalised(fields.name)


def plan_customers(
    plan: Plan, known: Known, spoken: Spoken, currency_of: Mapping[str, str]
) -> None:
    """Open the customers that are new; fill gaps of the others, overwriting nothing."""
    for key, rows in spoken.items():
        merged = merge(rows)
        if key in known.customers:
            _fill_gaps(plan, known, key, merged)
        else:
            plan.customers.append(NewCustomer(key, merged, currency_of[key]))
    several = sum(1 for rows in spoken.values() if len({f.name for f in rows}) > 1)
    if several:
        message = f"{several} customer numbers come with several names; the most usual is kept"
        plan.warnings.append(Remark(0, "customer_name", message))


def warn_of_near_names(plan: Plan, known: Known) -> None:
    """Two names that are nearly one stay two customers until a person says otherwise."""
    new = [customer.fields.name for customer in plan.customers]
    for name, other in near_names(new, known.names):
        message = f"“{name}” and “{other}” may be one customer; they are kept apart"
        plan.warnings.append(Remark(0, "customer_name", message))


def merge(spoken: Sequence[CustomerFields]) -> CustomerFields:
    """One customer from all its rows: the most usual name, the first of every detail."""
    first = spoken[0]
    names = Counter(fields.name for fields in spoken if fields.name)
    emails = dict.fromkeys(email.lower() for fields in spoken for email in fields.emails)
    return replace(
        next((fields for fields in spoken if fields.address_line1), first),
        number=first.number,
        name=names.most_common(1)[0][0] if names else "",
        emails=tuple(emails),
        phone=_first(fields.phone for fields in spoken),
        country=_first(fields.country for fields in spoken),
        language=_first(fields.language for fields in spoken),
        tag=_first(fields.tag for fields in spoken),
    )


def _first(values: Iterable[str]) -> str:
    return next((value for value in values if value), "")


def _fill_gaps(plan: Plan, known: Known, key: str, merged: CustomerFields) -> None:
    ours = known.customers[key]
    lacking = replace(
        merged,
        emails=() if ours.emails else merged.emails,
        phone="" if ours.has_phone else merged.phone,
        address_line1="" if ours.has_address else merged.address_line1,
    )
    if lacking.emails or lacking.phone or lacking.address_line1:
        plan.gaps.append(CustomerGap(ours.id, lacking))
    other = [email for email in merged.emails if email not in ours.emails]
    if other and ours.emails:
        message = f"customer {key}: the file has {', '.join(other)}; the ledger's is kept"
        plan.warnings.append(Remark(0, "email", message))
