"""Answers that were heard before there was a risk check get its row: the next sweep does the work."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def open_checks(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    jobs = apps.get_model("clinic", "Job").objects
    answers = jobs.filter(subject__startswith="answer:", stage="transcribe").values_list("subject", flat=True)
    jobs.bulk_create(
        [jobs.model(subject=subject, stage="risk", state="waiting") for subject in answers.iterator()],
        ignore_conflicts=True,
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [("interviews", "0003_risk_flag"), ("clinic", "0001_initial")]
    operations = [migrations.RunPython(open_checks, migrations.RunPython.noop)]
