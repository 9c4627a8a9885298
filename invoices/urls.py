from django.urls import path

from invoices.views import entry

urlpatterns = [
    path("invoices/add/", entry.invoice_add, name="invoice-add"),
    path("invoices/<int:pk>/original/", entry.original_show, name="invoice-original"),
    path("invoices/<int:pk>/original/add/", entry.original_add, name="invoice-original-add"),
]
