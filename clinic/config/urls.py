"""Every room's doors."""

import allauth.urls
from django.contrib import admin
from django.urls import include, path

import clinic.urls
import emotion.urls
import interviews.urls
import reports.urls
from clinic.accounts import for_staff_only
from clinic.config import api_docs

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include(for_staff_only(allauth.urls.urlpatterns))),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include((clinic.urls.urlpatterns, "clinic"))),
    path("", include((emotion.urls.urlpatterns, "emotion"))),
    path("", include((interviews.urls.urlpatterns, "interviews"))),
    path("", include((reports.urls.urlpatterns, "reports"))),
    path("api/", api_docs.page, name="api"),
    path("api/openapi.json", api_docs.Json.as_view(), name="api_json"),
    path("api/openapi.yaml", api_docs.Yaml.as_view(), name="api_yaml"),
    path("api/", include((emotion.urls.api_patterns, "emotion-api"))),
    path("api/", include((interviews.urls.api_patterns, "interviews-api"))),
]
