from django.apps import AppConfig
from django.conf import settings

from clinic.config import translations


class WiringConfig(AppConfig):
    """An app without models, for commands that see every room."""

    name = "clinic.config"
    label = "wiring"

    def ready(self) -> None:
        """Whatever starts, be it a server, a worker, a command or a test, finds the catalogue as it is now."""
        translations.compile_where_changed(settings.LOCALE_PATHS[0])
