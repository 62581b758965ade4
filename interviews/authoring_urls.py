"""Addresses of those who prepare interviews: disorders and question sets."""

from django.urls import path

from interviews.pages import authoring

urlpatterns = [
    path("authoring/", authoring.disorders, name="disorders"),
    path("authoring/names/", authoring.type_name, name="type_name"),
    path("authoring/names/<int:pk>/", authoring.name, name="name"),
    path("authoring/names/<int:pk>/further/", authoring.ask_further, name="ask_further"),
    path("authoring/names/<int:pk>/overrule/", authoring.overrule, name="overrule"),
    path("authoring/names/<int:pk>/create/", authoring.create, name="create_disorder"),
]
