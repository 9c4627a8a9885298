from django.urls import path

from customers.views import actions

urlpatterns = [
    path("customers/<int:pk>/contacts/add/", actions.contact_add, name="contact-add"),
    path("contacts/<int:pk>/", actions.contact_edit, name="contact-edit"),
    path("customers/<int:pk>/address/", actions.address_edit, name="address-edit"),
    path("customers/<int:pk>/terms/", actions.terms_agree, name="terms-agree"),
    path("customers/<int:pk>/legal-stop/", actions.legal_stop, name="legal-stop"),
    path("customers/<int:pk>/account/", actions.account_edit, name="customer-owner"),
]
