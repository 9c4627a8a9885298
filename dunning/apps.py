from importlib import import_module

from django.apps import AppConfig


class DunningConfig(AppConfig):
    name = "dunning"
    label = "dunning"

    def ready(self) -> None:
        """Listen to mail providers: the one signal receiver of the project."""
        import_module("dunning.webhooks")
