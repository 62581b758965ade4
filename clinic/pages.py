"""Today, the caseload, one patient. What the rooms above know about her, their own template tags show."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic import access, queries, services
from clinic.access import SignedInRequest
from clinic.forms import PatientForm
from clinic.models import User

PATIENTS_A_PAGE = 20
HOMES = {
    User.Role.PATIENT: "clinic/today_patient.html",
    User.Role.CLINICIAN: "clinic/today.html",
    User.Role.ADMIN: "clinic/today_admin.html",
    User.Role.ENGINEER: "clinic/today_engineer.html",
}


@require_safe
@login_required
def today(request: SignedInRequest) -> HttpResponse:
    return render(request, HOMES[User.Role(request.user.role)])


@require_safe
@access.must_be(User.Role.CLINICIAN)
def patients(request: SignedInRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()
    page = Paginator(queries.caseload(request.user, search), PATIENTS_A_PAGE).get_page(request.GET.get("page"))
    query = f"{urlencode({'q': search})}&" if search else ""
    return render(request, "clinic/patients.html", {"page": page, "search": search, "query": query})


@access.must_be(User.Role.CLINICIAN)
def new_patient(request: SignedInRequest) -> HttpResponse:
    form = PatientForm(request.user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        patient = services.admit_patient(request.user, **form.cleaned_data)
        messages.success(request, _("%(name)s is in your caseload now.") % {"name": patient.name})
        return redirect("clinic:patient", patient.pk)
    return render(request, "clinic/new_patient.html", {"form": form}, status=422 if form.errors else 200)


@access.must_be(User.Role.CLINICIAN)
def edit_patient(request: SignedInRequest, pk: int) -> HttpResponse:
    patient = access.patient_for(request.user, pk)
    form = PatientForm(request.user, request.POST if request.method == "POST" else None, instance=patient)
    if request.method == "POST" and form.is_valid():
        services.amend_patient(patient, **form.cleaned_data)
        return redirect("clinic:patient", patient.pk)
    return render(
        request, "clinic/edit_patient.html", {"form": form, "patient": patient}, status=422 if form.errors else 200
    )


@require_safe
@access.must_be(User.Role.CLINICIAN)
def patient(request: SignedInRequest, pk: int) -> HttpResponse:
    person = access.patient_for(request.user, pk)
    services.note_access(request.user, "open", f"patient:{person.pk}")
    return render(
        request, "clinic/patient.html", {"patient": person, "consents": person.consents.order_by("-given_at")}
    )
