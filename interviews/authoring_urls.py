"""Addresses of those who prepare interviews: disorders and question sets."""

from django.urls import path

from interviews.pages import authoring, authoring_drafts, authoring_exchange, authoring_sets

urlpatterns = [
    path("authoring/", authoring.disorders, name="disorders"),
    path("authoring/import/", authoring_exchange.bring_in, name="import_set"),
    path("authoring/names/", authoring.type_name, name="type_name"),
    path("authoring/names/<int:pk>/", authoring.name, name="name"),
    path("authoring/names/<int:pk>/further/", authoring.ask_further, name="ask_further"),
    path("authoring/names/<int:pk>/overrule/", authoring.overrule, name="overrule"),
    path("authoring/names/<int:pk>/create/", authoring.create, name="create_disorder"),
    path("authoring/disorders/<int:pk>/", authoring_drafts.disorder, name="disorder"),
    path("authoring/disorders/<int:pk>/draft/", authoring_drafts.ask_for_draft, name="ask_for_draft"),
    path("authoring/disorders/<int:pk>/by-hand/", authoring_drafts.write_by_hand, name="write_by_hand"),
    path("authoring/drafts/<int:pk>/retry/", authoring_drafts.retry_draft, name="retry_draft"),
    path("authoring/sets/<int:pk>/", authoring_sets.question_set, name="question_set"),
    path("authoring/sets/<int:pk>/export/", authoring_exchange.export, name="export_set"),
    path("authoring/sets/<int:pk>/change/", authoring_sets.change, name="change_set"),
    path("authoring/sets/<int:pk>/undo/", authoring_sets.undo, name="undo_removal"),
    path("authoring/sets/<int:pk>/publish/", authoring_sets.publish, name="publish_set"),
    path("authoring/sets/<int:pk>/retire/", authoring_sets.retire, name="retire_set"),
    path("authoring/sets/<int:pk>/next/", authoring_sets.next_version, name="next_version"),
    path("authoring/sets/<int:pk>/delete/", authoring_sets.delete, name="delete_set"),
]
