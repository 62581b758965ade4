"""What in an answer calls a human at once. Plain phrases, no AI: it works with every model down.

It is a net with wide meshes on purpose the other way: whoever says "I do not want to kill myself" is looked at, too.
A phrase that is missed costs more than a clinician's minute. What it cannot find: hints, silence, other languages,
words that the recogniser misheard. It never says that somebody is safe.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from clinic.integrations.hearing import Word

# Kinds, in the order of their weight.
SELF, OTHERS, DANGER = "self", "others", "danger"

_DIE = r"(?:die|be dead|be dying|not be alive|disappear forever)"
_WANT = r"(?:want|wanted|wanting|wish|wished|wishing|hope|hoped|like|love|rather|ready|prefer|trying|going|planning)"
_LIFE = r"(?:(?:my|this) (?:own |whole )?life|it all|everything for good)"
_SOMEBODY = (
    r"(?:him|her|them|you all|someone|somebody|people|everyone|everybody|others|my (?:\w+ )?"
    r"(?:wife|husband|partner|girlfriend|boyfriend|son|daughter|kids?|child|children|baby|mother|mom|mum|father|dad|"
    r"parents|brother|sister|family|boss|neighbou?rs?|colleagues?|coworkers?|ex))"
)
_HURTING = (
    r"(?:hits?|hitting|beats?|beating|rapes?|raped|abuses?|abused|abusing|chokes?|choked|strangles?|strangled"
    r"|threatens?|threatened|kicks?|kicked|punches|punched)"
)
ENGLISH: dict[str, tuple[str, ...]] = {
    SELF: (
        r"suicid\w*",
        r"(?:kill|killing|killed|hang|hanging|shoot|shooting|drown|drowning|poison|poisoning|hurt|hurting|harm|harming"
        r"|cut|cutting|burn|burning|starve|starving) (?:my ?self|me self)",
        r"self[ -]?harm\w*",
        rf"(?:end|ending|ended|take|taking|took) {_LIFE}",
        rf"{_WANT} (?:\w+ ){{0,2}}(?:to )?{_DIE}",
        r"wish(?:ed)? i (?:was|were) (?:dead|gone|not (?:here|alive)|never born)",
        r"wish(?:ed)? i (?:had never been|was never|were never|wasnt|werent|hadnt been) (?:born|alive|here)",
        r"(?:better off|be better|easier) (?:if i (?:was|were) )?(?:dead|gone|without me)",
        r"(?:dont|do not|didnt|did not|no longer|cant|can not|cannot) (?:\w+ ){0,2}"
        r"(?:wan(?:t to|na) (?:live|be alive|be here|exist|wake up)|go on living|keep living)",
        r"(?:no|not any|without a) (?:reason|point|use|sense) (?:to|in|of|for) (?:be |being |keep |go on )?"
        r"(?:live|living|alive)",
        r"nothing (?:left )?to live for",
        r"(?:not|isnt|is not) worth living",
        r"never wake up",
        r"not wake up (?:again|anymore|any more|tomorrow)",
        r"(?:thoughts?|thinking|think|dream\w*) (?:\w+ )?(?:of|about) (?:death|dying|my own death|being dead|jumping)",
        r"overdos\w*",
        r"(?:all|whole bottle of|too many of) (?:my |the )?(?:pills|tablets|sleeping pills)",
        r"(?:jump|jumped|jumping) (?:off|from|in front of)",
        r"(?:goodbye|farewell) (?:letter|note)",
        r"slit(?:ting)? my (?:wrists?|throat)",
        r"cut(?:ting)? my (?:wrists?|arms?|legs?|veins?)",
    ),
    OTHERS: (
        rf"(?:kill|killing|murder|murdering|shoot|shooting|stab|stabbing|strangle|strangling|poison) {_SOMEBODY}",
        rf"(?:hurt|hurting|harm|harming|attack|attacking) {_SOMEBODY}",
        r"voices? (?:\w+ ){0,3}(?:tell|tells|telling|told|order|orders|command|commands) me to",
    ),
    DANGER: (
        r"(?:he|she|they|husband|wife|partner|boyfriend|girlfriend|father|mother|uncle|brother|dad|mum|mom|man) "
        rf"(?:\w+ )?{_HURTING} (?:me|my (?:son|daughter|kids?|child|children|baby))",
        r"(?:afraid|scared|fear|fearing) for my life",
        r"(?:not|isnt|never|dont feel) safe (?:at home|with (?:him|her|them))",
        r"(?:threaten\w*|going|wants?|tried) to kill me",
        r"(?:was|been|being|got) (?:raped|abused|molested|strangled)",
    ),
}
_ARABIC_WANT = r"(?:اريد|ارغب|اود|بدي|عايز|عايزه|عاوز|عاوزه|ابغي|ابي|حابب|حابه|اتمني|اتمنا|نفسي)"
ARABIC: dict[str, tuple[str, ...]] = {
    SELF: (
        r"\w{0,3}انتحر\w*",
        r"\w{0,3}انتحار\w*",
        r"\w{0,2}(?:اقتل|قتل|اءذي|اوذي|ااذي|ايذاء|اجرح|جرح|اضر|احرق|اشنق|شنق) (?:نفسي|روحي|حالي)",
        r"\w{0,2}(?:انهي|انهاء|اخلص من) حياتي",
        rf"{_ARABIC_WANT} (?:ان |اني )?(?:اموت|الموت)",
        r"(?:ليتني|يا ليتني|ياريتني|ياريت) (?:\w+ )?(?:مت|ميت|ميته|اموت|لم اولد)",
        rf"(?:لا|ما|مش|مو|لم اعد) {_ARABIC_WANT} (?:ان |في )?(?:اعيش|العيش|الحياه|استيقظ|اصحي)",
        r"(?:لا|ما|مش|مو|ليس) (?:\w+ ){0,2}(?:معني|فائده|فايده|سبب|داعي) (?:\w+ )?"
        r"(?:للحياه|للعيش|من الحياه|في الحياه|لاعيش)",
        r"(?:الحياه|حياتي) (?:لا|ما|مش|مو) تستحق\w*",
        r"(?:جرعه زائده|كل الحبوب|كل الدواء)",
        r"(?:افكر|فكرت|افكار) (?:\w+ )?(?:في|ب|عن) ?(?:ال)?موت\w*",
        r"(?:افكر|فكرت) بالموت",
    ),
    OTHERS: (
        r"\w{0,2}(?:اقتل|اذبح|اطعن) (?:احد\w*|زوج\w*|اب\w+|ام\w+|اخ\w+|الناس|ولد\w*|اطفال\w*|جار\w*|مدير\w*)",
        r"\w{0,2}(?:اقتله|اقتلها|اقتلهم|اذبحه|اذبحها|اذبحهم|اوذيه|اوذيها|اوذيهم)",
        r"(?:صوت|اصوات) (?:\w+ ){0,2}(?:تامرني|يامرني|تقول لي|يقول لي)",
    ),
    DANGER: (
        r"\w{0,2}(?:يضربني|تضربني|يضربوني|ضربني|اغتصبني|يغتصبني|يعتدي علي|اعتدي علي|يهددني|هددني|يخنقني|خنقني)",
        r"(?:خايف|خائف|خايفه|خائفه|اخاف) علي حياتي",
        r"\w{0,2}(?:يقتلني|قتلي)",
    ),
}


@dataclass(frozen=True)
class Finding:
    """A phrase that calls a human: its kind, the words as they were heard, and their seconds."""

    kind: str
    words: str
    start: float
    end: float


def screen(words: Sequence[Word]) -> list[Finding]:
    """Every phrase of every kind, in order. Both languages are looked for: people change between them."""
    tokens = [plain(word.word) for word in words]
    text, begins = _joined(tokens)
    found = []
    for kind, pattern in _patterns():
        for match in pattern.finditer(text):
            first, last = _place(begins, match.start()), _place(begins, match.end() - 1)
            said = " ".join(word.word for word in words[first : last + 1])
            found.append(Finding(kind, said, words[first].start, words[last].end))
    return sorted(_without_inner(found), key=lambda one: one.start)


def plain(word: str) -> str:
    """Lower case, without punctuation, accents and vowel marks; Arabic letters that people mix up made one."""
    bare = "".join(
        letter for letter in unicodedata.normalize("NFKD", word.lower()) if unicodedata.category(letter) not in MARKS
    )
    bare = bare.translate(ALIKE).replace("'", "").replace("’", "")
    return re.sub(r"[^\w\- ]+", "", bare).strip("-_ ")


MARKS = ("Mn", "Cf", "Lm")  # vowel marks, joiners, the stretched line (ـ)
ALIKE = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "-": " "})


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (kind, re.compile(rf"\b(?:{'|'.join(language[kind])})\b"))
        for kind in (SELF, OTHERS, DANGER)
        for language in (ENGLISH, ARABIC)
    )


def _joined(tokens: Sequence[str]) -> tuple[str, list[int]]:
    """One string, and where each token begins in it."""
    begins, length = [], 0
    for token in tokens:
        begins.append(length)
        length += len(token) + 1
    return " ".join(tokens), begins


def _place(begins: Sequence[int], at: int) -> int:
    """Which token holds this character."""
    place = 0
    while place + 1 < len(begins) and begins[place + 1] <= at:
        place += 1
    return place


def _without_inner(found: Sequence[Finding]) -> list[Finding]:
    """Of phrases of one kind that lie within one another, the longest."""
    return [
        one
        for one in found
        if not any(
            other is not one
            and other.kind == one.kind
            and other.start <= one.start
            and one.end <= other.end
            and (other.start, other.end) != (one.start, one.end)
            for other in found
        )
    ]
