"""What a report may not say: no diagnosis, no claim about what somebody feels. Expression and voice, as they were read.

Held against every sentence that a program writes, its quotations left out: a patient may say whatever she says.
"""

from __future__ import annotations

import re
import unicodedata

# Letters of other alphabets that look like Latin ones, and the Latin ones they pass for.
LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0458\u04bb\u0501\u03bf\u03b1\u03bd\u03c1\u03c4\u03b9\u0410\u0415\u041e\u0420\u0421\u0423\u0425\u0406\u0405\u0408\u0412\u041d\u041a\u041c\u0422\u039f\u0391\u0395\u0399\u03a1\u03a4",
    "aeopcyxisjhdoavptiAEOPCYXISJBHKMTOAEIPT",
)
ARABIC_SAME = str.maketrans("\u0623\u0625\u0622\u0671\u0649\u0629", "\u0627\u0627\u0627\u0627\u064a\u0647")
QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")
FORBIDDEN = {
    "says what somebody feels": re.compile(
        r"\b(feels?|felt|feeling|experienc(es|ed|ing)|emotional state|mood (is|was)|really|truly|clearly|obviously)\b",
        re.I,
    ),
    "says what somebody is": re.compile(
        r"\b(she|he|they|patient|this person) (is|was|are|were|seems?|appears?) (to be )?(very |quite |so )?"
        r"(sad|happy|angry|afraid|fearful|anxious|depressed|manic|calm|neutral|disgusted|surprised|lying|hiding|unstable|"
        r"traumati[sz]ed|suicidal|psychotic|delusional|healthy|well|fine|normal|cured|recovered|stable|safe|sane|ill|sick)\b"
        r"|\b(perfectly|fully|completely) (healthy|well|fine|normal|recovered)\b|\bin good health\b"
        r"|\bno (risk|danger|reason to worry|need (for|of))\b|\bnothing is wrong\b|\bfit for (work|duty)\b",
        re.I,
    ),
    "reads like a diagnosis": re.compile(
        r"\b(diagnos\w*|disorders?|syndrome|patholog\w+|symptom\w*|criteri\w+|DSM\w*|ICD\S*|F\d\d(\.\d)?|suffers?|suffering|"
        r"indicat(es|ive)|consistent with|suggestive of|suggests? (that )?(the |a )?(patient|she|he|they|presence)|"
        r"depress(ion|ive|ed)|anxiety|mania|manic|PTSD|OCD|bipolar|psychosis|psychotic|insomnia)\b",
        re.I,
    ),
    "gives advice on treatment": re.compile(
        r"\b(prescri\w+|medicat\w+|dos(e|age)s?|antidepressant\w*|SSRIs?|therapy is|should (take|start|begin|stop)|"
        r"treatment (should|is|with)|recommend\w*|discharged?|sick note)\b",
        re.I,
    ),
    "speaks of instructions": re.compile(
        r"\b(ignor(e|ed|ing) (all|any|the|your|previous|these|my)|system prompt|as an AI|as a language model|"
        r"jailbreak\w*|instruct\w*|developer mode|new rules?|(I|we) (am|are|will|obey|comply|confirm|cannot|can)\b|"
        r"dear (doctor|clinician)|(this|the) (report|clinician|reader|doctor) (should|must|is|has|can))\b",
        re.I,
    ),
    "promises too much": re.compile(r"\b(proves?|proof|certain(ly)?|without doubt|definitely|confirms?)\b", re.I),
}


def faults(sentence: str) -> list[str]:
    """What is wrong with a sentence; empty when nothing is. Letters that only look right are read as they look."""
    own_words = plain_letters(QUOTED.sub("…", visible(sentence)))
    latin = (fault for fault, pattern in FORBIDDEN.items() if pattern.search(own_words))
    arabic = (fault for fault, pattern in FORBIDDEN_IN_ARABIC.items() if pattern.search(own_words))
    return list(dict.fromkeys([*latin, *arabic]))


def visible(text: str) -> str:
    """What one sees of it: without letters of no width, wide and styled letters as plain ones."""
    return "".join(
        letter for letter in unicodedata.normalize("NFKC", str(text)) if unicodedata.category(letter) != "Cf"
    )


def plain_letters(text: str) -> str:
    """Without accents and vowel signs, look-alikes as what they look like."""
    bare = "".join(one for one in unicodedata.normalize("NFD", text.translate(ARABIC_SAME)) if not _is_mark(one))
    return bare.replace("\u0640", "").translate(ARABIC_SAME).translate(LOOKALIKES)


def mixes_alphabets(text: str) -> bool:
    """Whether one word is written in two alphabets, as nobody writes who means to be read."""
    return any(len(_alphabets(word)) > 1 for word in re.findall(r"[^\W\d_]+", visible(text)))


def _alphabets(word: str) -> set[str]:
    known = ("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW")
    return {name for letter in word for name in known if unicodedata.name(letter, "").startswith(name)}


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter) == "Mn"


# --- Arabic. Written without vowel signs, every alef plain, ى as ي and ة as ه: so is what is held against it ---


def _arabic(*stems: str) -> re.Pattern[str]:
    """Words that begin so, with whatever Arabic puts in front of a word."""
    return re.compile(rf"(?<!\w)[وف]?[بلك]?(?:ال|لل)?(?:{plain_letters('|'.join(stems))})")


_SOMEBODY = r"(?:المريضه?|هو|هي|انه|انها|يبدو|تبدو|كان|كانت|بدا|بدت)"
_STATE = r"(?:حزين|سعيد|غاضب|خايف|خائف|هادئ|مضطرب|يائس|مكتئب|قلق|سليم|معافي|بخير|طبيعي|بصحه|مستقر|متعاف)"
FORBIDDEN_IN_ARABIC = {
    "says what somebody feels": _arabic("يشعر", "تشعر", "شعور", "شعرت", "مشاعر", "احساس", "احاسيس", "[يت]حس(?!\\w)"),
    "says what somebody is": re.compile(rf"(?<!\w)[وف]?{_SOMEBODY}\s+(?:\w+\s+)?{plain_letters(_STATE)}"),
    "reads like a diagnosis": _arabic(
        "اكتئاب",
        "مكتئب",
        "اضطراب",
        "متلازم",
        "تشخيص",
        "اعراض",
        "مرض نفسي",
        "امراض",
        "قلق",
        "هوس",
        "ذهان",
        "فصام",
        "ثنائي القطب",
        "وسواس",
        "كرب",
        "صدمه نفسيه",
        "ارق(?!\\w)",
        "يعاني",
        "تعاني",
        "معاناه",
        "مصاب",
        "انتحار",
        "يدل علي",
        "تدل علي",
        "يشير الي وجود",
        "تشير الي وجود",
        "يتفق مع",
        "تتفق مع",
    ),
    "gives advice on treatment": _arabic(
        "يجب(?!\\w)",
        "ينبغي",
        "يوصي",
        "نوصي",
        "اوصي",
        "انصح",
        "ننصح",
        "ينصح",
        "دواء",
        "ادويه",
        "جرعه",
        "مضاد",
        "وصفه طبيه",
        "علاج",
    ),
    "speaks of instructions": _arabic("تجاهل", "تعليمات", "نموذج لغوي", "اوامر", "الاوامر"),
    "promises too much": _arabic("بالتاكيد", "بلا شك", "دون شك", "حتما", "يثبت", "تثبت", "موكد", "قطعا"),
}
