"""Addresses of models and trials; `urls.py` has them beside those of training."""

from django.urls import URLPattern, URLResolver, path

from emotion import consumers
from emotion.api import registry as registry_api
from emotion.api import trials as trials_api
from emotion.pages import registry, trying

page_patterns: list[URLPattern | URLResolver] = [
    path("models/", registry.index, name="registry"),
    path("models/import/", registry.import_checkpoint, name="import_checkpoint"),
    path("models/imports/<uuid:pk>/dismiss/", registry.dismiss_import, name="dismiss_import"),
    path("models/checkpoints/<int:pk>/", registry.checkpoint, name="checkpoint"),
    path("models/packs/new/", registry.new_pack, name="new_pack"),
    path("models/packs/<int:pk>/", registry.pack, name="pack"),
    path("models/packs/<int:pk>/promote/", registry.promote, name="promote"),
    path("models/packs/<int:pk>/rebuild/", registry.rebuild, name="rebuild"),
    path("models/roll-back/", registry.roll_back, name="roll_back"),
    path("models/catalogue/", registry.catalogue, name="catalogue"),
    path("models/catalogue/<str:name>/pull/", registry.pull, name="pull"),
    path("models/catalogue/<str:name>/confirm/", registry.confirm, name="confirm"),
    path("models/catalogue/<str:name>/discard/", registry.discard, name="discard"),
    path("try/", trying.index, name="trials"),
    path("try/<uuid:pk>/", trying.trial, name="trial"),
    path("try/<uuid:pk>/timeline/", trying.trial_timeline, name="trial_timeline"),
    path("try/<uuid:pk>/media/<int:place>", trying.media, name="trial_media"),
    path("try/<uuid:pk>/retry/", trying.retry_trial, name="retry_trial"),
    path("try/<uuid:pk>/delete/", trying.delete_trial, name="delete_trial"),
]
api_patterns: list[URLPattern | URLResolver] = [
    path("uploads/", trials_api.Uploads.as_view(), name="uploads"),
    path("uploads/<uuid:pk>/", trials_api.OneUpload.as_view(), name="upload"),
    path("uploads/<uuid:pk>/parts/<int:number>", trials_api.Part.as_view(), name="part"),
    path("trials/", trials_api.Trials.as_view(), name="trials"),
    path("trials/<uuid:pk>/", trials_api.OneTrial.as_view(), name="trial"),
    path("trials/<uuid:pk>/reading/", trials_api.Reading.as_view(), name="reading"),
    path("checkpoints/", registry_api.Checkpoints.as_view(), name="checkpoints"),
    path("checkpoints/<int:pk>/", registry_api.OneCheckpoint.as_view(), name="checkpoint"),
    path("packs/", registry_api.Packs.as_view(), name="packs"),
    path("packs/serving/", registry_api.Serving.as_view(), name="serving"),
    path("packs/roll-back/", registry_api.RollBack.as_view(), name="roll_back"),
    path("packs/<int:pk>/", registry_api.OnePack.as_view(), name="pack"),
    path("packs/<int:pk>/promote/", registry_api.Promote.as_view(), name="promote"),
    path("catalogue/", registry_api.Catalogue.as_view(), name="catalogue"),
    path("catalogue/<str:name>/", registry_api.OneModel.as_view(), name="model"),
    path("catalogue/<str:name>/pull/", registry_api.Pull.as_view(), name="pull"),
    path("catalogue/<str:name>/confirm/", registry_api.Confirm.as_view(), name="confirm"),
]
socket_patterns = [
    path("ws/models/", consumers.RegistryConsumer.as_asgi()),
    path("ws/trials/<uuid:pk>/", consumers.TrialConsumer.as_asgi()),
]
