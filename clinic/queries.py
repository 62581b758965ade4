"""What to show about people."""

from django.db.models import Q

from clinic.models import Patient, PatientQuerySet, User


def caseload(clinician: User, search: str = "") -> PatientQuerySet:
    """Her patients by name; `search` looks in names and record numbers."""
    patients = Patient.objects.visible_to(clinician)
    for word in search.split():
        patients = patients.filter(Q(name__icontains=word) | Q(record_number__icontains=word))
    return patients
