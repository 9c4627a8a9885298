from django.urls import path

from invoices.views import actions, disputes, entry, imports

urlpatterns = [
    path("invoices/add/", entry.invoice_add, name="invoice-add"),
    path("invoices/<int:pk>/original/", entry.original_show, name="invoice-original"),
    path("invoices/<int:pk>/original/add/", entry.original_add, name="invoice-original-add"),
    path("customers/<int:pk>/payment/", actions.payment_add, name="payment-add"),
    path("payments/<int:pk>/reverse/", actions.payment_reverse, name="payment-reverse"),
    path("customers/<int:pk>/credit-note/", actions.credit_note_add, name="credit-note-add"),
    path("invoices/<int:pk>/dispute/", actions.dispute_add, name="dispute-add"),
    path("disputes/<int:pk>/", disputes.dispute_detail, name="dispute-detail"),
    path("disputes/<int:pk>/close/", disputes.dispute_close, name="dispute-close"),
    path("imports/", imports.ImportList.as_view(), name="import-list"),
    path("imports/upload/", imports.import_upload, name="import-upload"),
    path("imports/apply/", imports.import_apply, name="import-apply"),
    path("imports/<int:pk>/", imports.import_detail, name="import-detail"),
]
