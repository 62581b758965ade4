from django.urls import URLPattern, URLResolver, path

from reports import pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("interviews/<int:pk>/report/", pages.report, name="report"),
    path("interviews/<int:pk>/report/versions/<int:number>/", pages.version, name="version"),
    path("interviews/<int:pk>/report/edit/", pages.edit, name="edit"),
    path("interviews/<int:pk>/report/sign/", pages.sign, name="sign"),
    path("interviews/<int:pk>/report/report.md", pages.download, name="download"),
    path("interviews/<int:pk>/report/report.pdf", pages.download_pdf, name="download_pdf"),
]
