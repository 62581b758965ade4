#!/usr/bin/env python
import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from environs import EnvError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.config.settings")
    try:
        settings.INSTALLED_APPS  # noqa: B018 (the first access reads every setting)
    except (ImproperlyConfigured, EnvError) as error:
        sys.exit(f"Cannot start: {error} (`make setup` writes a .env; .env.example explains each variable.)")
    execute_from_command_line(sys.argv)
