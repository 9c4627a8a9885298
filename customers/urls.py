from django.urls import path

from customers.views import actions, checks

urlpatterns = [
    path("customers/<int:pk>/contacts/add/", actions.contact_add, name="contact-add"),
    path("contacts/<int:pk>/", actions.contact_edit, name="contact-edit"),
    path("contacts/<int:pk>/verify/", checks.contact_verify, name="contact-verify"),
    path("customers/<int:pk>/note/", checks.note_add, name="note-add"),
    path("customers/<int:pk>/warn/", checks.warning_add, name="warning-add"),
    path("warnings/<int:pk>/clear/", checks.warning_clear, name="warning-clear"),
    path("customers/<int:pk>/parent/", checks.customer_parent, name="customer-parent"),
    path("customers/<int:pk>/address/", actions.address_edit, name="address-edit"),
    path("customers/<int:pk>/terms/", actions.terms_agree, name="terms-agree"),
    path("customers/<int:pk>/legal-stop/", actions.legal_stop, name="legal-stop"),
    path("customers/<int:pk>/account/", actions.account_edit, name="customer-owner"),
]
