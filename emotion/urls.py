from django.urls import URLPattern, URLResolver, path

from emotion import consumers, registry_urls
from emotion.api import runs as runs_api
from emotion.pages import runs

urlpatterns: list[URLPattern | URLResolver] = [
    path("training/", runs.index, name="runs"),
    path("training/new/", runs.new, name="new_run"),
    path("training/import/", runs.import_config, name="import_config"),
    path("training/configs/<int:pk>/config.toml", runs.saved_toml, name="saved_toml"),
    path("training/configs/<int:pk>/forget/", runs.forget_config, name="forget_config"),
    path("training/compare/", runs.compare, name="compare"),
    path("training/runs/<int:pk>/", runs.run, name="run"),
    path("training/runs/<int:pk>/epochs/", runs.epochs, name="epochs"),
    path("training/runs/<int:pk>/config.toml", runs.config_toml, name="config_toml"),
    path("training/runs/<int:pk>/log.txt", runs.log, name="log"),
    path("training/runs/<int:pk>/stop/", runs.stop, name="stop"),
    path("training/runs/<int:pk>/resume/", runs.resume, name="resume"),
    path("training/runs/<int:pk>/discard/", runs.discard, name="discard"),
    *registry_urls.page_patterns,
]
api_patterns: list[URLPattern | URLResolver] = [
    path("training/runs/", runs_api.Runs.as_view(), name="runs"),
    path("training/runs/<int:pk>/", runs_api.Run.as_view(), name="run"),
    path("training/runs/<int:pk>/curves/", runs_api.Curves.as_view(), name="curves"),
    path("training/runs/<int:pk>/stop/", runs_api.Stop.as_view(), name="stop"),
    path("training/runs/<int:pk>/resume/", runs_api.Resume.as_view(), name="resume"),
    path("training/schema/", runs_api.Schema.as_view(), name="config_schema"),
    path("training/checks/", runs_api.Checks.as_view(), name="checks"),
    *registry_urls.api_patterns,
]
socket_patterns = [
    path("ws/training/", consumers.StudioConsumer.as_asgi()),
    path("ws/training/<int:pk>/", consumers.RunConsumer.as_asgi()),
    *registry_urls.socket_patterns,
]
