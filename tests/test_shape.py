"""The two promises of the layout: the emotion library is plain PyTorch, and the web process never loads torch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "emotion" / "ml").rglob("*.py")
    if path.name != "__main__.py"
)
BLOCKED = """
import sys
class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"django", "celery", "channels", "rest_framework", "clinic", "interviews", "reports"}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Wall())
"""


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ, capture_output=True, text=True)


@pytest.mark.timeout(300)
def test_every_module_of_the_emotion_library_loads_with_django_blocked():
    imports = "\n".join(f"import {name}" for name in LIBRARY)
    ended = run(BLOCKED + imports)
    assert ended.returncode == 0, ended.stderr


def test_the_light_modules_of_the_emotion_library_do_not_load_torch():
    ended = run(
        "import sys, emotion.ml.labels, emotion.ml.readings, emotion.ml.errors\nassert 'torch' not in sys.modules"
    )
    assert ended.returncode == 0, ended.stderr


def test_the_web_process_never_loads_torch():
    ended = run(
        "import sys, os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "import clinic.config.asgi, clinic.config.urls\nfrom django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        "loaded = {'torch', 'transformers', 'onnxruntime', 'av', 'faster_whisper'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    assert ended.returncode == 0, ended.stderr
