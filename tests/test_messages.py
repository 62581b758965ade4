"""Nothing a person reads is left untranslated, and what is compiled is what the repository holds."""

import os
from pathlib import Path

import polib
import pytest
from django.conf import settings

from clinic.config import gathering, library_sentences, translations

PAGE = """{% load i18n %}<h1>{% translate "Thank you" %}</h1>
    <p>{% if 1 %}
  {% blocktranslate count days=days %}One day{% plural %}{{ days }} days{% endblocktranslate %}{% endif %}
"""
CODE = "from django.utils.translation import gettext as _\n\nsaid = f\"## {_('%(name)s agreed.')}\"\n"


@pytest.fixture
def house(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "done.html").write_text(PAGE)
    (tmp_path / "clinic").mkdir()
    (tmp_path / "clinic" / "pages.py").write_text(CODE)
    return tmp_path


def test_marked_strings_are_gathered_from_pages_and_from_code(house):
    marked = gathering.gather(house)
    assert [text for _context, text in marked] == ["Thank you", "One day", "%(name)s agreed."]
    assert marked["", "One day"].msgid_plural == "%(days)s days"


def test_a_merge_keeps_translations_and_drops_what_nobody_says(house):
    old = polib.POFile()
    old += [polib.POEntry(msgid="Thank you", msgstr="شكرًا لك"), polib.POEntry(msgid="Farewell", msgstr="وداعًا")]
    merged = gathering.merge(old, gathering.gather(house))
    assert merged.find("Thank you").msgstr == "شكرًا لك"
    assert merged.find("Farewell") is None


@pytest.mark.parametrize(
    ("forms", "fault"),
    [
        (["لا أيام", "يوم واحد", "يومان", "%(days)s أيام", "%(days)s يومًا", "%(days)s يوم"], ""),
        (["لا أيام", "يوم واحد", "يومان", "أيام", "%(days)s يومًا", "%(days)s يوم"], "placeholders differ"),
        (["لا أيام", "%(day)s", "يومان", "%(days)s أيام", "%(days)s يومًا", "%(days)s يوم"], "placeholders differ"),
        (["لا أيام", "", "يومان", "%(days)s أيام", "%(days)s يومًا", "%(days)s يوم"], "not translated"),
    ],
    ids=["whole", "number left out", "nobody fills it", "one form empty"],
)
def test_each_of_the_six_plural_forms_is_looked_at(house, forms, fault):
    marked = gathering.gather(house)
    catalogue = gathering.merge(polib.POFile(), {key: marked[key] for key in [("", "One day")]})
    catalogue[0].msgstr_plural = dict(enumerate(forms))
    told = gathering.faults(catalogue, {("", "One day"): marked["", "One day"]})
    assert [line.split(":")[0] for line in told] == ([fault] if fault else [])


def test_what_is_missing_stale_fuzzy_or_ill_filled_is_told(house):
    catalogue = polib.POFile()
    catalogue += [
        polib.POEntry(msgid="Thank you", msgstr="شكرًا لك", flags=["fuzzy"]),
        polib.POEntry(msgid="Farewell", msgstr="وداعًا"),
        polib.POEntry(msgid="%(name)s agreed.", msgstr="وافق."),
    ]
    told = sorted(line.split(":")[0] for line in gathering.faults(catalogue, gathering.gather(house)))
    assert told == ["fuzzy", "nobody says it any more", "not in the catalogue", "placeholders differ"]


@pytest.mark.parametrize("path", sorted(translations.SOURCES.glob("*/LC_MESSAGES/django.po")), ids=["ar"])
def test_every_string_is_translated_and_none_is_stale(path):
    """After `manage.py messages gather` whatever is new stands in the catalogue, still without its translation."""
    told = gathering.faults(polib.pofile(str(path)), gathering.gather(Path(settings.BASE_DIR)))
    assert not told, "\n".join(told)


def test_a_catalogue_is_compiled_once_and_again_when_it_changed(tmp_path):
    assert translations.compile_where_changed(tmp_path) == ["ar"]
    assert translations.compile_where_changed(tmp_path) == []
    (tmp_path / "ar" / "LC_MESSAGES" / "django.po.sha256").write_text("another")
    assert translations.compile_where_changed(tmp_path) == ["ar"]
    assert (tmp_path / "ar" / "LC_MESSAGES" / "django.mo").stat().st_size
    assert sorted(os.listdir(tmp_path / "ar" / "LC_MESSAGES")) == ["django.mo", "django.po.sha256"]


LIBRARY = '''
class Loop(Strict):
    """How long."""

    rate: float = Field(title="Rate", description="How fast.", json_schema_extra={"titles": {"a": "Slow"}})

def read(path, card):
    raise WrongCheckpoint(f"{path.name} is of the net {card.net}.")
'''


def test_what_the_library_says_is_gathered_without_marks():
    said = list(library_sentences.sentences(LIBRARY))
    assert sorted(said) == ["%(name)s is of the net %(net)s.", "How fast.", "How long.", "Rate", "Slow"]
