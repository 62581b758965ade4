# Loaded with Django, so that `shared_task` knows this app: its `delay_on_commit` and our settings.
from clinic.config.celery import app as celery_app

__all__ = ["celery_app"]
