"""Disorders and their question sets in the admin pages: drafted, published, spoken, followed by a next version."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from clinic import jobs
from clinic.access import SignedInRequest
from clinic.models import Job
from clinic.reasons import told
from interviews import tasks
from interviews.errors import InterviewError
from interviews.models import Disorder, Question, QuestionSet
from interviews.questions import faults
from interviews.services import questions as verbs

UNUSED = 10_000  # positions from here on are held by nobody, until all are saved


if TYPE_CHECKING:
    # Rows with what our querysets count beside them.
    class OfferedDisorder(Disorder):
        offered: int

    class CountedSet(QuestionSet):
        asked: int
        with_audio: int


class SetsInline(admin.StackedInline):
    """A disorder's sets, to be opened one by one."""

    model = QuestionSet
    fields = ("title", "language", "version", "state", "approved_by", "published_at")
    readonly_fields = fields
    extra = 0
    show_change_link = True
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Disorder | None = None) -> bool:
        return False


@admin.register(Disorder)
class DisorderAdmin(admin.ModelAdmin):
    list_display = ["name", "icd10", "is_active", "published"]
    list_filter = ["is_active"]
    search_fields = ["name", "icd10"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [SetsInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Disorder]:
        offered = Count("question_sets", filter=Q(question_sets__state=QuestionSet.State.PUBLISHED))
        return super().get_queryset(request).annotate(offered=offered)

    @admin.display(description=gettext_lazy("published sets"), ordering="offered")
    def published(self, disorder: OfferedDisorder) -> int:
        return disorder.offered


class QuestionForm(forms.ModelForm):
    """One row. Which positions are free is the formset's to know: it numbers them all anew."""

    position = forms.IntegerField(label=gettext_lazy("Position"), min_value=1, required=False)

    class Meta:
        model = Question
        fields = ["position", "text", "hint"]
        widgets = {
            "text": forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
            "hint": forms.TextInput(attrs={"dir": "auto"}),
        }

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if not self.instance.pk:
            self.initial["position"] = None

    def clean_text(self) -> str:
        return self.cleaned_data["text"].strip()

    def validate_unique(self) -> None:
        pass

    def validate_constraints(self) -> None:
        pass


class QuestionFormSet(forms.BaseInlineFormSet):
    """Questions in the order of their positions; equal ones in the order of the page, empty ones at the end."""

    def validate_unique(self) -> None:
        pass

    def save(self, commit: bool = True) -> list[Question]:
        if not self.instance.is_draft:  # the page offers no fields then; whoever sends some anyway changes nothing
            return []
        with transaction.atomic():
            return self._save()

    def _save(self) -> list[Question]:
        kept = [form for form in self.forms if form not in self.deleted_forms and self._says_something(form)]
        self.deleted_objects = [form.instance for form in self.deleted_forms if form.instance.pk]
        self.changed_objects = [(form.instance, form.changed_data) for form in kept if self._is_changed(form)]
        self.new_objects = [form.instance for form in kept if not form.instance.pk]
        for question in self.deleted_objects:
            question.delete()
        order = sorted(kept, key=lambda form: form.cleaned_data.get("position") or UNUSED)
        for place, form in enumerate(order, start=UNUSED):
            form.instance.question_set, form.instance.position = self.instance, place
            form.instance.save()
        verbs.order_questions(self.instance, [form.instance.pk for form in order])
        return [form.instance for form in order]

    @staticmethod
    def _is_changed(form: forms.ModelForm) -> bool:
        return bool(form.instance.pk and form.has_changed())

    @staticmethod
    def _says_something(form: forms.ModelForm) -> bool:
        return bool(form.instance.pk or form.has_changed())


class QuestionsInline(admin.StackedInline):
    model = Question
    form = QuestionForm
    formset = QuestionFormSet
    fields = ["position", "text", "hint", "look_again", "spoken_by"]
    readonly_fields = ["look_again", "spoken_by"]
    extra = 1

    def has_add_permission(self, request: HttpRequest, obj: QuestionSet | None = None) -> bool:
        return obj is None or obj.is_draft

    def has_change_permission(self, request: HttpRequest, obj: QuestionSet | None = None) -> bool:
        return obj is None or obj.is_draft

    def has_delete_permission(self, request: HttpRequest, obj: QuestionSet | None = None) -> bool:
        return obj is None or obj.is_draft

    @admin.display(description=gettext_lazy("look again"))
    def look_again(self, question: Question) -> SafeString | str:
        found = faults(question.text, question.question_set.language) if question.text else []
        return format_html_join("\n", "<div>{}</div>", ((fault,) for fault in found))

    @admin.display(description=gettext_lazy("spoken by"))
    def spoken_by(self, question: Question) -> str:
        return question.audio_voice if question.audio else ""


@admin.register(QuestionSet)
class QuestionSetAdmin(admin.ModelAdmin):
    list_display = ["title", "disorder", "language", "version", "state", "question_count", "spoken", "approved_by"]
    list_filter = ["state", "language", "disorder"]
    search_fields = ["title", "disorder__name"]
    list_select_related = ["disorder", "approved_by"]
    inlines = [QuestionsInline]
    actions = ["publish_selected", "retire_selected", "speak_selected"]
    change_form_template = "admin/interviews/questionset/change_form.html"

    # --- What is shown, and what may be typed ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuestionSet]:
        with_audio = Count("questions", filter=~Q(questions__audio=""))
        return super().get_queryset(request).annotate(asked=Count("questions"), with_audio=with_audio)

    @admin.display(description=gettext_lazy("questions"))
    def question_count(self, question_set: CountedSet) -> int:
        return question_set.asked

    @admin.display(description=gettext_lazy("spoken"))
    def spoken(self, question_set: CountedSet) -> str:
        return f"{question_set.with_audio}/{question_set.asked}"

    def get_fields(self, request: HttpRequest, obj: QuestionSet | None = None) -> list[Any]:
        typed = ["disorder", "title", "language", "licence"]
        return [*typed, "version", "state", "approved_by", "published_at", "audio"] if obj else typed

    def get_readonly_fields(self, request: HttpRequest, obj: QuestionSet | None = None) -> list[str]:
        # A set that was copied keeps its family: its number counts within disorder and language.
        fixed = ["disorder", "language"] if obj and obj.version > 1 else []
        return [*fixed, "version", "state", "approved_by", "published_at", "audio"]

    @admin.display(description=gettext_lazy("audio"))
    def audio(self, question_set: CountedSet) -> str:
        made = f"{question_set.with_audio}/{question_set.asked}"
        job = next(iter(jobs.of(question_set.subject)), None)
        if job is None:
            return made
        if job.state == Job.State.RUNNING:
            made = f"{made} ({job.percent} %)"
        return f"{made} · {job.get_state_display()}{': ' if job.reason else ''}{told(job.reason)}"

    def has_change_permission(self, request: HttpRequest, obj: QuestionSet | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.is_draft)

    def has_delete_permission(self, request: HttpRequest, obj: QuestionSet | None = None) -> bool:
        return super().has_delete_permission(request, obj) and obj is not None and obj.is_draft

    def save_model(self, request: HttpRequest, obj: QuestionSet, form: forms.ModelForm, change: bool) -> None:
        if not change:  # two drafts of one family would take the same number
            family = QuestionSet.objects.filter(disorder=obj.disorder, language=obj.language)
            obj.version = 1 + max(family.values_list("version", flat=True), default=0)
        super().save_model(request, obj, form, change)

    # --- The verbs, as buttons on a set's page ---

    def get_urls(self) -> list[URLPattern]:
        def button(name: str, door: Callable[..., HttpResponse]) -> URLPattern:
            view = self.admin_site.admin_view(require_POST(door))
            return path(f"<path:object_id>/{name}/", view, name=f"interviews_questionset_{name}")

        own = [
            button("publish", self.publish),
            button("next_version", self.next_version),
            button("retire", self.retire),
            button("speak", self.speak),
        ]
        return own + super().get_urls()

    def publish(self, request: SignedInRequest, object_id: str) -> HttpResponse:
        def do(found: QuestionSet) -> None:
            tasks.enqueue_speaking(verbs.publish(found, request.user))

        return self._done(request, object_id, do, _("The set is published; its audio is being made."))

    def retire(self, request: SignedInRequest, object_id: str) -> HttpResponse:
        return self._done(
            request, object_id, lambda found: verbs.retire(found, request.user), _("The set is offered no more.")
        )

    def speak(self, request: SignedInRequest, object_id: str) -> HttpResponse:
        def do(found: QuestionSet) -> None:
            if found.is_draft:
                raise InterviewError(_("A draft may still change: publish it first, then have it spoken."))
            tasks.enqueue_speaking(found)

        return self._done(request, object_id, do, _("The audio is being made."))

    def next_version(self, request: SignedInRequest, object_id: str) -> HttpResponse:
        found = self._found(request, object_id)
        try:
            made = verbs.next_version(found)
        except InterviewError as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(self._page(found))
        self.message_user(request, _("This is version %(version)s, a draft.") % {"version": made.version})
        return redirect(self._page(made))

    def _done(
        self, request: HttpRequest, object_id: str, verb: Callable[[QuestionSet], object], told: str
    ) -> HttpResponse:
        found = self._found(request, object_id)
        try:
            with transaction.atomic():
                verb(found)
        except InterviewError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, told)
        return redirect(self._page(found))

    def _found(self, request: HttpRequest, object_id: str) -> QuestionSet:
        found = self.get_object(request, unquote(object_id))
        if found is None:
            raise Http404
        return found

    @staticmethod
    def _page(found: QuestionSet) -> str:
        return reverse("admin:interviews_questionset_change", args=[found.pk])

    # --- The same for several ---

    @admin.action(description=gettext_lazy("Publish the selected drafts"))
    def publish_selected(self, request: SignedInRequest, chosen: QuerySet[QuestionSet]) -> None:
        self._each(request, chosen, lambda found: tasks.enqueue_speaking(verbs.publish(found, request.user)))

    @admin.action(description=gettext_lazy("Retire the selected sets"))
    def retire_selected(self, request: SignedInRequest, chosen: QuerySet[QuestionSet]) -> None:
        self._each(request, chosen, lambda found: verbs.retire(found, request.user))

    @admin.action(description=gettext_lazy("Make the audio of the selected sets"))
    def speak_selected(self, request: HttpRequest, chosen: QuerySet[QuestionSet]) -> None:
        self._each(request, chosen.exclude(state=QuestionSet.State.DRAFT), tasks.enqueue_speaking)

    def _each(self, request: HttpRequest, chosen: QuerySet[QuestionSet], verb: Callable[[QuestionSet], object]) -> None:
        """Those that refuse say why; the others are done all the same."""
        done = 0
        for found in chosen:
            try:
                with transaction.atomic():
                    verb(found)
            except InterviewError as error:
                self.message_user(request, f"{found}: {error}", messages.ERROR)
            else:
                done += 1
        if done:
            self.message_user(request, ngettext("One set done.", "%(count)s sets done.", done) % {"count": done})
