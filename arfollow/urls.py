"""All addresses. Each app brings its own; nothing here is open but health and the log-in."""

from django.conf import settings
from django.urls import include, path
from django.views.generic import RedirectView

from arfollow import alarms, health
from arfollow.staff.devices import second_factor_set_up

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", alarms.metrics, name="metrics"),
    path("accounts/sessions/", RedirectView.as_view(pattern_name="sessions")),  # ours shows more
    path("accounts/2fa/totp/activate/", second_factor_set_up, name="mfa_activate_totp"),
    path("accounts/", include("allauth.urls")),
    path("", include("arfollow.staff.urls")),
    path("", include("customers.urls")),
    path("", include("invoices.urls")),
    path("", include("dunning.urls")),
]

if settings.ANYMAIL["WEBHOOK_SECRET"]:  # without a secret anybody could call
    urlpatterns.append(path("anymail/", include("anymail.urls")))
