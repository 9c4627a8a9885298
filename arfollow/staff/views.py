"""Company settings, staff and one's own profile."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from arfollow.shared.events import actor_of
from arfollow.staff.forms import CompanyForm, NewStaffForm, ProfileForm, StaffForm
from arfollow.staff.models import Company, Role, User
from arfollow.staff.permissions import open_to_all, requires
from arfollow.staff.services import save_settings


@require_http_methods(["GET", "POST"])
@requires(Role.ADMIN, reads=Role.READ_ONLY)
def company_settings(request: HttpRequest) -> HttpResponse:
    form = CompanyForm(request.POST or None, instance=Company.load())
    if request.method == "POST" and form.is_valid():
        save_settings(form, "Company settings", actor=actor_of(request.user))
        messages.success(request, "The company settings are saved.")
        return redirect("company-settings")
    return render(request, "staff/company.html", {"form": form}, status=_status(form))


@require_safe
@requires(Role.READ_ONLY)
def staff_list(request: HttpRequest) -> HttpResponse:
    people = User.objects.order_by("-is_active", "first_name", "last_name", "username")
    return render(request, "staff/staff_list.html", {"people": people})


@require_http_methods(["GET", "POST"])
@requires(Role.ADMIN)
def staff_add(request: HttpRequest) -> HttpResponse:
    form = NewStaffForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = save_settings(form, "New account", actor=actor_of(request.user))
        messages.success(request, f"{user} can log in now.")
        return redirect("staff-list")
    return render(request, "staff/staff_form.html", {"form": form}, status=_status(form))


@require_http_methods(["GET", "POST"])
@requires(Role.ADMIN)
def staff_edit(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    form = StaffForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        save_settings(form, f"Account of {user}", actor=actor_of(request.user))
        messages.success(request, f"{user} is saved.")
        return redirect("staff-list")
    context = {"form": form, "person": User.objects.get(pk=pk)}
    return render(request, "staff/staff_form.html", context, status=_status(form))


@open_to_all
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """One's own name and phone; read-only people have these too."""
    user = get_object_or_404(User, pk=request.user.pk)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        save_settings(form, f"Profile of {user}", actor=actor_of(request.user))
        messages.success(request, "Your profile is saved.")
        return redirect("profile")
    return render(request, "staff/profile.html", {"form": form}, status=_status(form))


def _status(form: CompanyForm | StaffForm | ProfileForm) -> int:
    """422 for a form sent back with errors, which scripts and htmx can tell apart."""
    return 422 if form.is_bound and form.errors else 200
