"""What all customers share in a run: company settings, calendars, policies, freshness."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Max

from arfollow.shared.workdays import Calendar
from arfollow.staff.models import Company, QuietPeriod
from dunning.models import Enrolment, PolicyVersion
from dunning.models.stored import plain_policies
from dunning.policy import Interval, Policy, Settings, Workdays
from invoices.models import LedgerSource

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EveryDay:
    """A calendar without closed days: demonstrations run on weekends too."""

    def is_business_day(self, day: date) -> bool:
        return True

    def roll_forward(self, day: date) -> date:
        return day

    def add(self, day: date, count: int) -> date:
        return day + timedelta(days=count)

    def previous(self, day: date) -> date:
        return day - ONE_DAY


@dataclass(frozen=True, slots=True)
class Ground:
    """Loaded once per run; ``policies`` by the id of their version."""

    company: Company
    settings: Settings
    zone: ZoneInfo
    quiet: tuple[Interval, ...]
    policies: dict[int, Policy]
    current: dict[int, int]
    default_policy: int | None
    tag_policies: dict[int, int]
    calendars: dict[tuple[object, ...], Workdays] = field(default_factory=dict)

    def know(self, version_ids: Iterable[int]) -> None:
        """Load versions that running cases keep although newer ones are current (L27)."""
        unknown = sorted(set(version_ids) - self.policies.keys())
        if unknown:
            self.policies.update(plain_policies(unknown))

    def calendar(self, country: str, region: str, quiet: tuple[Interval, ...]) -> Workdays:
        """The business days of a customer; the same object for the same country."""
        if self.company.send_every_day:
            return EveryDay()
        key = (country, region, quiet)
        if key not in self.calendars:
            self.calendars[key] = calendar_of(country, region, self.quiet + quiet)
        return self.calendars[key]


def calendar_of(country: str, region: str, quiet: tuple[Interval, ...]) -> Calendar:
    """A calendar with quiet periods; one without an end never closes it for good."""
    periods = tuple((start, end or date.max) for start, end in quiet)
    return Calendar(country, region or None, quiet=periods)


def lay_ground() -> Ground:
    """Read what is common, in a handful of queries."""
    company = Company.load()
    quiet = tuple(Interval(*row) for row in QuietPeriod.objects.values_list("starts_on", "ends_on"))
    versions = PolicyVersion.objects.filter(current=True, policy__archived=False)
    enrolled = Enrolment.objects.filter(customer=None, invoice=None).values_list(
        "policy_id", "tag_id"
    )
    return Ground(
        company=company,
        settings=settings_of(company, quiet),
        zone=ZoneInfo(company.time_zone),
        quiet=quiet,
        policies=plain_policies(),
        current=dict(versions.values_list("policy_id", "id")),
        default_policy=next((policy for policy, tag in enrolled if tag is None), None),
        tag_policies={tag: policy for policy, tag in enrolled if tag is not None},
    )


def renewed(ground: Ground, company: Company) -> Ground:
    """The same ground under the company's row of this moment and the payment data of now: a
    pass may last, and an import or a setting may come in the middle of it."""
    return replace(ground, company=company, settings=settings_of(company, ground.quiet))


def settings_of(company: Company, quiet: tuple[Interval, ...]) -> Settings:
    """The company page as the policy reads it."""
    ours = EveryDay() if company.send_every_day else None
    return Settings(
        tolerance=company.tolerance,
        promise_grace_business_days=company.promise_grace_days,
        freshness_business_days=company.freshness_days,
        minimum_amount=company.minimum_amount,
        agency_minimum=company.agency_minimum,
        messages_in_seven_days=company.weekly_cap,
        payment_data_as_of=payment_data_as_of(),
        paused=company.paused,
        our_calendar=ours or calendar_of(company.country, company.region, quiet),
    )


def payment_data_as_of() -> date | None:
    """How fresh the newest import is; None where nothing was ever imported (rule 7)."""
    newest: date | None = LedgerSource.objects.aggregate(newest=Max("as_of"))["newest"]
    return newest
