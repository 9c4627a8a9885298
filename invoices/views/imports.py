"""Importing a ledger: upload, see what it would do, then do it."""

import hashlib
from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arfollow.shared import clock
from arfollow.shared.acting import posted
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.shared.lists import Column, ListView
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import RequiresRole, requires
from invoices.forms.imports import UploadForm
from invoices.imports.apply import Request, import_ledger, preview
from invoices.imports.plan import EarlierDay
from invoices.imports.readers import Options, UnreadableFile
from invoices.models import ImportBatch

SALT = "import"
WAITS_HOURS = 12
SHOWN_REMARKS = 200


def _counted(key: str) -> Callable[[ImportBatch], object]:
    return lambda batch: batch.summary.get(key, 0)


class ImportList(RequiresRole, ListView):
    """What was imported, the newest first."""

    role = Role.READ_ONLY
    template_name = "invoices/imports.html"
    title = "Imports"
    columns = (
        Column("file_name", "File", sortable=False),
        Column("as_of", "As of"),
        Column("imported_at", "Imported"),
        Column("source__name", "Source", export_only=True),
        *(
            Column(key, label, export_only=True, value=_counted(key))
            for key, label in (
                ("created", "New"),
                ("updated", "Changed"),
                ("payments_created", "Payments"),
                ("rejected", "Rejected"),
            )
        ),
        Column("imported_by", "By", export_only=True),
    )
    default_sort = "-imported_at"

    def rows(self) -> QuerySet[Any, Any]:
        return ImportBatch.objects.select_related("source", "imported_by")


@require_http_methods(["GET", "POST"])
@requires(Role.MANAGER)
def import_upload(request: HttpRequest) -> HttpResponse:
    """The form, then what the file would do; nothing is written yet."""
    today = clock.today(Company.load().time_zone)
    files = request.FILES if request.method == "POST" else None
    form = UploadForm(posted(request), files, initial={"as_of": today})
    if form.is_bound and form.is_valid():
        wanted = _request(form)
        try:
            result = preview(wanted)
            token = _keep(wanted)
        except (UnreadableFile, EarlierDay, ServiceError) as error:
            form.add_error("file", f"{error}")
        else:
            context = {"result": result, "wanted": wanted, "token": token, **_shown(result)}
            return render(request, "invoices/import_preview.html", context)
    status = 422 if form.errors else 200
    return render(request, "invoices/import_upload.html", {"form": form}, status=status)


def _request(form: UploadForm) -> Request:
    data = form.cleaned_data
    return Request(
        file_name=data["file"].name[:200],
        data=data["file"].read(),
        as_of=data["as_of"],
        source=data["source"],
        options=form.options(),
        start_step=data["start_step"],
    )


def _shown(result: Any) -> dict[str, Any]:
    return {
        "errors": result.errors[:SHOWN_REMARKS],
        "warnings": result.warnings[:SHOWN_REMARKS],
        "changes": result.created + result.updated + result.payments_created
        + result.credit_notes_created + result.disputes_created + result.customers_created
        + result.customers_updated,
    }  # fmt: skip


def _keep(wanted: Request) -> str:
    """Keep the upload until it is confirmed; the signed answer names it and how to read it."""
    name = f"imports/{hashlib.sha256(wanted.data).hexdigest()}"
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(wanted.data))
    said = {
        "place": name,
        "name": wanted.file_name,
        "as_of": wanted.as_of.isoformat(),
        "source": wanted.source,
        "step": wanted.start_step,
        "columns": dict(wanted.options.columns),
        "order": wanted.options.date_order,
        "mark": wanted.options.decimal_mark,
        "currency": wanted.options.currency,
    }
    return signing.dumps(said, salt=SALT, compress=True)


@require_POST
@requires(Role.MANAGER)
def import_apply(request: HttpRequest) -> HttpResponse:
    """Carry out the import that was looked at, once; the upload is not kept any longer."""
    try:
        place, wanted = _kept(request)
        result = import_ledger(wanted)
    except signing.BadSignature:
        return _refused(request, "That preview is too old. Upload the file once more.")
    except FileNotFoundError:
        return _refused(request, "This file was imported already.")
    except (UnreadableFile, EarlierDay) as error:
        return _refused(request, str(error))
    default_storage.delete(place)
    said = f"{result.created} invoices are new, {result.updated} changed, "
    messages.success(request, f"{said}{result.payments_created} payments are posted.")
    batch = ImportBatch.objects.order_by("-pk").first()
    return redirect("import-detail", batch.pk) if batch else redirect("import-list")


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    messages.error(request, why)
    return redirect("import-list")


def _kept(request: HttpRequest) -> tuple[str, Request]:
    age = WAITS_HOURS * 3600
    said = signing.loads(request.POST.get("token", ""), salt=SALT, max_age=age)
    with default_storage.open(said["place"]) as file:
        data = file.read()
    return said["place"], Request(
        file_name=said["name"],
        data=data,
        as_of=date.fromisoformat(said["as_of"]),
        source=said["source"],
        options=Options(said["columns"], said["order"], said["mark"], said["currency"]),
        start_step=said["step"],
        actor=actor_of(request.user),
    )


@require_safe
@requires(Role.READ_ONLY)
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    batch = get_object_or_404(ImportBatch.objects.select_related("source", "imported_by"), pk=pk)
    rows = batch.rows.order_by("line")[:SHOWN_REMARKS]
    figures = [
        (key.replace("_", " ").capitalize(), value)
        for key, value in batch.summary.items()
        if isinstance(value, int)
    ]
    context = {"batch": batch, "rows": rows, "figures": figures}
    return render(request, "invoices/import.html", context)
