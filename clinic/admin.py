"""People for the admin: staff come and go here. Patients are looked up and handed on, the audit log is only read."""

from typing import Any, cast

from allauth.account.decorators import secure_admin_login
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import ForeignKey, QuerySet
from django.forms import ChoiceField, ModelChoiceField, ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.audit import verify_chain
from clinic.models import AuditEntry, Patient, User
from clinic.services import note_access

# One door for all staff, with its limits on wrong passwords.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # allauth's own way
admin.site.site_header = admin.site.site_title = "Anamnesis"
admin.site.index_title = gettext_lazy("Administration")
admin.site.unregister(Group)

STAFF_ROLES = [choice for choice in User.Role.choices if choice[0] != User.Role.PATIENT]


class NewStaffForm(BaseUserCreationForm):
    class Meta:
        model = User
        fields = ["email", "name", "role"]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        # Patients come in by invitation: a clinician admits them.
        cast(ChoiceField, self.fields["role"]).choices = STAFF_ROLES

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()


class StaffForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict[str, type] = {}

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if "role" in self.fields and self.instance.role != User.Role.PATIENT:
            cast(ChoiceField, self.fields["role"]).choices = STAFF_ROLES


@admin.register(User)
class PeopleAdmin(UserAdmin):
    form, add_form = StaffForm, NewStaffForm
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        (gettext_lazy("Person"), {"fields": ["name", "role", "is_active"]}),
        (gettext_lazy("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "name", "role", "password1", "password2"]})]
    readonly_fields = ["last_login", "date_joined"]
    list_display = ["email", "name", "role", "is_active", "last_login"]
    list_filter = ["role", "is_active"]
    search_fields = ["email", "name"]
    ordering = ["role", "name", "email"]
    filter_horizontal = ()

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        is_patient = obj is not None and obj.role == User.Role.PATIENT
        return [*self.readonly_fields, "email", "role", "name"] if is_patient else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """What somebody signed or asked stays theirs: a person is switched off, not deleted."""
        return False


@admin.register(Patient)
class PatientAdmin(admin.ModelAdmin):
    """An admin hands a caseload on when a clinician leaves; nothing that a patient said shows here."""

    list_display = ["name", "record_number", "clinician", "language", "created_at"]
    list_filter = ["clinician", "language"]
    search_fields = ["name", "record_number"]
    fields = ["name", "record_number", "language", "clinician", "created_at"]
    readonly_fields = ["name", "record_number", "language", "created_at"]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        if db_field.name == "clinician":
            kwargs["queryset"] = User.objects.filter(role=User.Role.CLINICIAN, is_active=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Patient, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "clinician" in form.changed_data:
            note_access(cast(User, request.user), "hand on", f"patient:{obj.pk}")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Patient | None = None) -> bool:
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):
    list_display = ["at", "actor", "verb", "subject"]
    list_filter = ["verb"]
    search_fields = ["actor", "subject"]
    ordering = ["-pk"]
    actions = ["check_chain"]

    @admin.action(description=gettext_lazy("Check the whole log for changed or missing entries"), permissions=["view"])
    def check_chain(self, request: HttpRequest, chosen: QuerySet[AuditEntry]) -> None:
        chain = verify_chain()
        if chain.broken_at is None:
            told = _("All %(count)d entries follow one another unchanged. The last one's digest is %(digest)s.")
            self.message_user(request, told % {"count": chain.length, "digest": chain.last_digest}, messages.SUCCESS)
        else:
            told = _("Entry %(pk)d was changed, or the one before it is gone.") % {"pk": chain.broken_at.pk}
            self.message_user(request, told, messages.ERROR)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
