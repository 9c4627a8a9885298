from django.apps import AppConfig


class SharedConfig(AppConfig):
    name = "arfollow.shared"
    label = "shared"
    verbose_name = "Events"
