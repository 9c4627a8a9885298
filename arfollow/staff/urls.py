from django.urls import path

from arfollow.staff import views

urlpatterns = [
    path("settings/company/", views.company_settings, name="company-settings"),
    path("settings/staff/", views.staff_list, name="staff-list"),
    path("settings/staff/add/", views.staff_add, name="staff-add"),
    path("settings/staff/<int:pk>/", views.staff_edit, name="staff-edit"),
    path("profile/", views.profile, name="profile"),
]
