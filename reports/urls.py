from django.urls import URLPattern, URLResolver, path

from reports import pages
from reports.consumers import DraftConsumer
from reports.study import consumers
from reports.study import pages as study

urlpatterns: list[URLPattern | URLResolver] = [
    path("interviews/<int:pk>/report/", pages.report, name="report"),
    path("interviews/<int:pk>/report/versions/<int:number>/", pages.version, name="version"),
    path("interviews/<int:pk>/report/edit/", pages.edit, name="edit"),
    path("interviews/<int:pk>/report/sign/", pages.sign, name="sign"),
    path("interviews/<int:pk>/report/report.md", pages.download, name="download"),
    path("interviews/<int:pk>/report/report.pdf", pages.download_pdf, name="download_pdf"),
    path("interviews/<int:pk>/report/draft/", pages.draft_again, name="draft_again"),
    path("interviews/<int:pk>/report/comparison/", pages.comparison, name="comparison"),
    path("studies/", study.index, name="studies"),
    path("studies/new/", study.new, name="new_study"),
    path("studies/published/", study.published, name="published_study"),
    path("studies/<int:pk>/", study.study, name="study"),
    path("studies/<int:pk>/stop/", study.stop, name="stop_study"),
    path("studies/<int:pk>/go-on/", study.go_on, name="go_on_study"),
    path("studies/<int:pk>/judge/", study.judge, name="judge_study"),
    path("studies/<int:pk>/delete/", study.discard, name="discard_study"),
    path("studies/<int:pk>/grade/", study.grade, name="grade_study"),
    path("studies/<int:pk>/results.json", study.results_json, name="study_json"),
    path("studies/<int:pk>/results.csv", study.results_csv, name="study_csv"),
]
socket_patterns = [
    path("ws/interviews/<int:pk>/draft/", DraftConsumer.as_asgi()),
    path("ws/studies/<int:pk>/", consumers.StudyConsumer.as_asgi()),
]
