"""The real settings with test values put in the environment first: tests need no environment of their own.

DATABASE_URL and REDIS_URL, where given, are kept: the same suite runs against PostgreSQL and Redis.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

KEPT = {"DATABASE_URL", "REDIS_URL", "DATABASE_POOL", "LOG_LEVEL"}
for line in (Path(__file__).parent.parent / ".env.example").read_text().splitlines():
    name = line.removeprefix("#").split("=")[0]
    if name not in KEPT:
        os.environ.pop(name, None)  # the developer's own clinic must not show through

VAR = tempfile.mkdtemp(prefix="anamnesis-tests-")
os.environ |= {
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "tests-only",
    "MASTER_KEYS": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "ANAMNESIS_VAR": VAR,
    "OLLAMA_HOST": "",
}
maker = os.getpid()
atexit.register(lambda: shutil.rmtree(VAR, ignore_errors=True) if os.getpid() == maker else None)

from clinic.config.settings import *  # noqa: F403
from clinic.config.settings import CACHES, CHANNEL_LAYER_OPTIONS, REDIS_URL, STORAGES, VAR_DIR

(Path(VAR_DIR) / "static").mkdir(parents=True, exist_ok=True)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
if REDIS_URL:
    # Several test processes share one server.
    CACHES["default"]["KEY_PREFIX"] = f"tests-{maker}"
    CHANNEL_LAYER_OPTIONS["prefix"] = f"tests-{maker}"
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
