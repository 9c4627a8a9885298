from django.urls import path

from arfollow.staff import devices, owners, views

urlpatterns = [
    path("settings/company/", views.company_settings, name="company-settings"),
    path("settings/staff/", views.staff_list, name="staff-list"),
    path("settings/staff/add/", views.staff_add, name="staff-add"),
    path("settings/staff/<int:pk>/", views.staff_edit, name="staff-edit"),
    path("settings/owners/", owners.owner_rules, name="owner-rules"),
    path("settings/owners/<int:pk>/delete/", owners.owner_rule_delete, name="owner-rule-delete"),
    path("settings/absences/", owners.absences, name="absences"),
    path("settings/absences/<int:pk>/end/", owners.absence_end, name="absence-end"),
    path("profile/", views.profile, name="profile"),
    path("profile/sessions/", devices.sessions, name="sessions"),
    path("profile/sessions/end/", devices.sessions_end, name="sessions-end"),
    path("profile/sessions/<int:pk>/end/", devices.session_end, name="session-end"),
]
