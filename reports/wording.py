"""What a report may not say: no diagnosis, no claim about what somebody feels. Expression and voice, as they were read.

Held against every sentence that a program writes, its quotations left out: a patient may say whatever she says.
"""

from __future__ import annotations

import re

QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")
FORBIDDEN = {
    "says what somebody feels": re.compile(
        r"\b(feels?|felt|feeling|experienc(es|ed|ing)|emotional state|mood (is|was)|really|truly|clearly|obviously)\b",
        re.I,
    ),
    "says what somebody is": re.compile(
        r"\b(she|he|they|patient|this person) (is|was|are|were|seems?|appears?) (to be )?(very |quite |so )?"
        r"(sad|happy|angry|afraid|fearful|anxious|depressed|manic|calm|neutral|disgusted|surprised|lying|hiding|unstable|"
        r"traumati[sz]ed|suicidal|psychotic|delusional)\b",
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
        r"treatment (should|is|with)|recommend\w*)\b",
        re.I,
    ),
    "promises too much": re.compile(r"\b(proves?|proof|certain(ly)?|without doubt|definitely|confirms?)\b", re.I),
}


def faults(sentence: str) -> list[str]:
    """What is wrong with a sentence; empty when nothing is."""
    own_words = QUOTED.sub("…", sentence)
    return [fault for fault, pattern in FORBIDDEN.items() if pattern.search(own_words)]
