"""The stages of the work, in order, and what a person calls them."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

JOIN, TRANSCRIBE, RISK, REPORT = "join", "transcribe", "risk", "report"
FACES, VOICE, TIMELINE = "faces", "voice", "timeline"
READ_STAGES = (FACES, VOICE, TIMELINE)  # from one decode of the recording
ANSWER_STAGES = (JOIN, TRANSCRIBE, RISK, *READ_STAGES)
SPEAK = "speak"  # of a question set: its audio, made ahead
NAME = "name"  # of a name check: a language model is asked whether it names a disorder
DRAFT = "draft"  # of a question draft: a language model writes it
SPEAK_ITEMS = "speak items"  # of an instrument: the same
HEAR = "hear"  # of a spoken answer to an item

LABELS: dict[str, Promise] = {
    JOIN: _("recording put together"),
    TRANSCRIBE: _("transcript"),
    RISK: _("risk check"),
    FACES: _("face"),
    VOICE: _("voice"),
    TIMELINE: _("timeline"),
    REPORT: _("report"),
    SPEAK: _("spoken questions"),
    NAME: _("name asked of the language model"),
    DRAFT: _("draft of questions"),
    SPEAK_ITEMS: _("spoken items"),
    HEAR: _("spoken answer"),
}
