from django.urls import URLPattern, path

from clinic import pages

urlpatterns: list[URLPattern] = [
    path("", pages.today, name="today"),
    path("patients/", pages.patients, name="patients"),
    path("patients/new/", pages.new_patient, name="new_patient"),
    path("patients/<int:pk>/", pages.patient, name="patient"),
    path("patients/<int:pk>/edit/", pages.edit_patient, name="edit_patient"),
]
