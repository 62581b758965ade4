"""The Celery app, its queues and its schedule. The engine is Celery; there is no scheduler of our own."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.config.settings")

app = Celery("anamnesis")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "requeue-stuck": {
        "task": "interviews.tasks.requeue_stuck",
        "schedule": 60.0,
        "options": {"expires": 55},  # while no worker runs, they must not pile up
    },
    "look-after-comparisons": {
        "task": "reports.tasks.look_after_comparisons",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "look-after-studies": {
        "task": "reports.tasks.look_after_studies",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "look-after-registry": {
        "task": "emotion.tasks.look_after_registry",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "look-after-runs": {
        "task": "emotion.tasks.look_after_runs",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
}
