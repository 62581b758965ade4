from django.urls import URLPattern, URLResolver, path

from interviews import api, authoring_urls, consumers, scales_api, state_api
from interviews.pages import clinician, patient, scale_results, scales, voices

urlpatterns: list[URLPattern | URLResolver] = [
    *authoring_urls.urlpatterns,
    path("voices/", voices.index, name="voices"),
    path("voices/make/", voices.make, name="make_voices"),
    path("voices/stop/", voices.stop, name="stop_voices"),
    path("voices/clear/", voices.clear, name="clear_voices"),
    path("interviews/", clinician.index, name="list"),
    path("interviews/new/", clinician.new, name="new"),
    path("interviews/<int:pk>/", clinician.watch, name="watch"),
    path("interviews/<int:pk>/progress/", clinician.progress, name="progress"),
    path("interviews/<int:pk>/state/", state_api.state, name="state"),
    path("interviews/<int:pk>/link/", clinician.new_link, name="new_link"),
    path("interviews/<int:pk>/retry/", clinician.retry_report, name="retry_report"),
    path("invitations/<int:pk>/revoke/", clinician.revoke, name="revoke"),
    path("answers/<int:pk>/reply/", clinician.reply, name="reply"),
    path("answers/<int:pk>/retry/", clinician.retry, name="retry"),
    path("answers/<int:pk>/read-again/", clinician.read_again, name="read_again"),
    path("answers/<int:pk>/acknowledge/", clinician.acknowledge, name="acknowledge"),
    path("answers/<int:pk>/timeline/", state_api.timeline, name="timeline"),
    path("answers/<int:pk>/transcript/", state_api.transcript, name="transcript"),
    path("answers/<int:pk>/captions.vtt", state_api.captions, name="captions"),
    path("recordings/<uuid:pk>/video", clinician.video, name="video"),
    path("invitations/<str:token>/", patient.invitation, name="invitation"),
    path("interviews/<int:pk>/consent/", patient.consent, name="consent"),
    path("interviews/<int:pk>/refused/", patient.refused, name="refused"),
    path("interviews/<int:pk>/check/", patient.check, name="check"),
    path("interviews/<int:pk>/room/", patient.room, name="room"),
    path("interviews/<int:pk>/finish/", patient.finish, name="finish"),
    path("interviews/<int:pk>/done/", patient.done, name="done"),
    path("answers/<int:pk>/spoken/", patient.spoken, name="spoken"),
    path("interviews/<int:pk>/scales/", scales.overview, name="scales"),
    path("scales/<int:pk>/items/<int:number>/", scales.item, name="scale_item"),
    path("scales/<int:pk>/items/<int:number>/voice/", scales.voice, name="scale_voice"),
    path("interviews/<int:pk>/results/", scale_results.results, name="scale_results"),
    path("scales/<int:pk>/items/<int:number>/acknowledge/", scale_results.acknowledge, name="scale_acknowledge"),
    path("scales/<int:pk>/items/<int:number>/spoken/", scales.spoken, name="scale_spoken"),
]
api_patterns: list[URLPattern | URLResolver] = [
    path("answers/<int:pk>/recordings/", api.Takes.as_view(), name="takes"),
    path("interviews/<int:pk>/scales/", scales_api.Scales.as_view(), name="scales"),
    path("recordings/<uuid:pk>/chunks/", api.Chunks.as_view(), name="chunks"),
    path("recordings/<uuid:pk>/chunks/<int:seq>", api.OneChunk.as_view(), name="chunk"),
    path("recordings/<uuid:pk>/take", api.take, name="take"),
    path("recordings/<uuid:pk>/complete", api.Complete.as_view(), name="complete"),
    path("recordings/<uuid:pk>/discard", api.Discard.as_view(), name="discard"),
]
socket_patterns = [
    path("ws/authoring/", consumers.AuthorsConsumer.as_asgi()),
    path("ws/voices/", consumers.VoicesConsumer.as_asgi()),
    path("ws/interviews/", consumers.CaseloadConsumer.as_asgi()),
    path("ws/interviews/<int:pk>/", consumers.InterviewConsumer.as_asgi()),
]
