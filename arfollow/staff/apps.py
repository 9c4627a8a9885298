from django.apps import AppConfig


class StaffConfig(AppConfig):
    name = "arfollow.staff"
    label = "staff"
