"""Small tags, only where an include would be clumsy."""

from django import template
from django.contrib.staticfiles import finders
from django.db.models import Count
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from clinic import reasons
from clinic.models import User

register = template.Library()

# Lines on a 24 x 24 ground, drawn here.
ICONS = {
    "home": "M4 11.5 12 5l8 6.5M6 10.5V19h4.5v-5h3v5H18v-8.5",
    "people": "M9 11.5a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5ZM3 19.5c.5-3.5 2.7-5 6-5s5.5 1.5 6 5"
    "M16 5.4a3 3 0 0 1 0 5.8M17.5 14.8c2 .6 3.2 2.2 3.5 4.7",
    "interview": "M4.5 5h15v10.5H12L7.5 19v-3.5h-3ZM8.5 9h7M8.5 12h4.5",
    "plus": "M12 5.5v13M5.5 12h13",
    "search": "M11 17.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM16 16l4 4",
    "back": "M19 12H5.5M11 6l-6 6 6 6",
    "onward": "M5 12h13.5M13 6l6 6-6 6",
    "check": "M5 12.5 10 17.5 19.5 7",
    "alert": "M12 4 21 19.5H3ZM12 10v4.5M12 17v.1",
    "link": "M10 14a4 4 0 0 0 5.7 0l3.2-3.2a4 4 0 1 0-5.7-5.7L12 6.3M14 10a4 4 0 0 0-5.7 0l-3.2 3.2"
    "a4 4 0 1 0 5.7 5.7l1.2-1.2",
    "copy": "M9 9h10.5v10.5H9ZM15 5.5V4.5H4.5V15h1",
    "document": "M6.5 3.5h7.5l4 4v13h-11.5ZM14 3.5v4h4M9 12.5h6M9 16h6",
    "book": "M5 5.5c2.5-1 5-.8 7 .7 2-1.5 4.5-1.7 7-.7V18c-2.5-1-5-.8-7 .7-2-1.5-4.5-1.7-7-.7ZM12 6.2v12.5",
    "settings": "M4 7.5h9M17 7.5h3M4 16.5h3M11 16.5h9M15 9.7a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4Z"
    "M9 18.7a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4Z",
    "model": "M12 3.5 20 8v8l-8 4.5L4 16V8ZM4 8l8 4.5L20 8M12 12.5v8",
    "curve": "M4.5 4.5v15h15M7.5 8c1.5 5.5 4 8 11.5 8.5",
    "shield": "M12 3.5 19 6v5.5c0 4.5-2.8 7.3-7 9-4.2-1.7-7-4.5-7-9V6ZM9 12l2.2 2.2L15.2 10",
    "retry": "M19 12a7 7 0 1 1-2.2-5.1M19.5 4v4h-4",
    "key": "M14.5 12.5a4.5 4.5 0 1 0-3-3L4 17v3h3v-2.5h2.5V15ZM16 8v.1",
    "leave": "M13.5 4.5H6v15h7.5M10.5 12H20M16.5 8.5 20 12l-3.5 3.5",
    "light": "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21"
    "M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1",
    "dark": "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z",
    "device": "M4 5.5h16V16H4ZM9 19.5h6M12 16v3.5",
    "play": "M8 5.5v13l10.5-6.5Z",
    "lock": "M6 11h12v9H6ZM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
    "clock": "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 8v4.5l3 1.7",
}
TURNING = {"back", "onward", "leave"}  # those that point along the line, and so turn round in Arabic


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing beside words: hidden from screen readers, because the words say it."""
    return format_html(
        '<svg class="icon{}" viewBox="0 0 24 24" aria-hidden="true" focusable="false" fill="none" '
        'stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"><path d="{}"/></svg>',
        " icon--turns" if name in TURNING else "",
        mark_safe(ICONS[name]),  # noqa: S308 (a constant above)
    )


@register.simple_tag
def staff_counts() -> dict[str, int]:
    """How many may sign in, by role."""
    active = User.objects.filter(is_active=True).order_by()
    return dict(active.values_list("role").annotate(Count("pk")))


@register.simple_tag
def vendor(path: str) -> str:
    """Where a third-party file is served; empty when `make setup` could not install it, and the page does without."""
    name = f"vendor/{path}"
    try:
        return static(name) if finders.find(name) else ""
    except ValueError:  # collected before it was installed: the manifest does not know it
        return ""


@register.filter(name="told")
def told_in_words(sentence: str) -> str:
    """What a worker wrote, in the language of the page."""
    return reasons.told(sentence)


@register.filter
def clock(seconds: float | None) -> str:
    """75.2 → 1:15. Nothing for nothing."""
    if seconds is None:
        return ""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"
