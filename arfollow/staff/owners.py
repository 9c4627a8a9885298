"""Pages of ownership: who gets new customers, who is away and who covers."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from arfollow.shared import clock
from arfollow.shared.acting import do_at_once, posted, refused_or_done
from arfollow.shared.events import actor_of
from arfollow.shared.formfields import DayField
from arfollow.staff.absences import add_absence, add_owner_rule, drop_owner_rule, end_absence
from arfollow.staff.models import Absence, Company, OwnerRule, Role, User
from arfollow.staff.permissions import refuse_below, requires


def _workers() -> Any:
    people = User.objects.filter(is_active=True).exclude(role=Role.READ_ONLY)
    return people.order_by("first_name", "last_name", "username")


class OwnerRuleForm(forms.Form):
    """New customers of a country, or whose names begin with certain letters."""

    country = forms.CharField(
        label="Country",
        max_length=2,
        required=False,
        help_text="Two letters, such as US; empty for any.",
        widget=forms.TextInput(attrs={"class": "short"}),
    )
    first_letter = forms.CharField(label="Names from", max_length=1, required=False)
    last_letter = forms.CharField(label="Names to", max_length=1, required=False)
    owner = forms.ModelChoiceField(label="Looked after by", queryset=User.objects.none())
    position = forms.IntegerField(
        label="Asked as number", min_value=1, max_value=999, initial=1,
        help_text="The first rule that fits counts.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = _workers()  # type: ignore[attr-defined]  # a choice field

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"] or "").strip().upper()
        if country and (len(country) != 2 or not country.isalpha()):
            raise ValidationError("Enter a country as two letters, such as US.")
        return country

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        first = str(data.get("first_letter") or "").upper()
        last = str(data.get("last_letter") or "").upper()
        data["first_letter"], data["last_letter"] = first, last
        if first and last and last < first:
            self.add_error("last_letter", "This letter comes before the first one.")
        return data


class AbsenceForm(forms.Form):
    user = forms.ModelChoiceField(label="Who is away", queryset=User.objects.none())
    cover = forms.ModelChoiceField(label="Who covers", queryset=User.objects.none())
    starts_on = DayField(label="First day")
    ends_on = DayField(label="Last day")
    note = forms.CharField(label="Note", max_length=120, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("user", "cover"):
            self.fields[name].queryset = _workers()  # type: ignore[attr-defined]  # a choice field


@require_http_methods(["GET", "POST"])
@requires(Role.MANAGER, reads=Role.READ_ONLY)
def owner_rules(request: HttpRequest) -> HttpResponse:
    form = OwnerRuleForm(posted(request))
    if form.is_bound and form.is_valid():
        add_owner_rule(**form.cleaned_data, actor=actor_of(request.user))
        return redirect("owner-rules")
    context = {
        "form": form,
        "rules": OwnerRule.objects.select_related("owner"),
        "default": Company.load().default_owner,
    }
    return render(request, "staff/owners.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires(Role.MANAGER)
def owner_rule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(OwnerRule, pk=pk)

    def drop() -> str:
        drop_owner_rule(pk, actor=actor_of(request.user))
        return "The rule is gone; customers keep their owners."

    return do_at_once(request, reverse("owner-rules"), drop)


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR, reads=Role.READ_ONLY)
def absences(request: HttpRequest) -> HttpResponse:
    """Everybody may note their own absence, a manager that of anybody."""
    form = AbsenceForm(posted(request), initial={"user": request.user.pk})
    today = clock.today(Company.load().time_zone)
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        _check_whose(request, data["user"])
        done = refused_or_done(form, lambda: add_absence(**data, actor=actor_of(request.user)))
        if done is not None:
            return redirect("absences")
    rows = Absence.objects.select_related("user", "covered_by").filter(ends_on__gte=today)
    context = {"form": form, "rows": rows.order_by("starts_on", "pk"), "today": today}
    return render(request, "staff/absences.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires(Role.COLLECTOR)
def absence_end(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Absence.objects.select_related("user"), pk=pk)
    _check_whose(request, row.user)

    def end() -> str:
        end_absence(pk, actor=actor_of(request.user))
        return "They have their customers themselves again."

    return do_at_once(request, reverse("absences"), end)


def _check_whose(request: HttpRequest, user: User) -> None:
    if user.pk != request.user.pk:
        refuse_below(request.user, Role.MANAGER)
