from django.urls import path

from dunning.views import customers, dashboard, invoices

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("customers/", customers.CustomerList.as_view(), name="customer-list"),
    path("customers/<int:pk>/", customers.customer_detail, name="customer-detail"),
    path("invoices/", invoices.InvoiceList.as_view(), name="invoice-list"),
    path("invoices/<int:pk>/", invoices.invoice_detail, name="invoice-detail"),
]
