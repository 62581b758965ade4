from django.apps import AppConfig


class WiringConfig(AppConfig):
    """An app without models, for commands that see every room."""

    name = "clinic.config"
    label = "wiring"
