"""Every setting, read from the environment. A missing or senseless value stops the start with a sentence naming it.

`.env.example` lists them all; `make setup` writes a `.env` with fresh secrets.
"""

import logging
import os
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env
from environs import validate as must

from clinic.config.embedded import broker_socket, numbered_database
from clinic.vault import parse_master_keys

# Nothing phones home. ONNX Runtime would from 1.29 on (`emotion.ml` says the same, and `hearing` can come first).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = Env()
env.read_env(env.path("ENV_FILE", BASE_DIR / ".env"), recurse=False)
AT_LEAST_ONE = must.Range(min=1)
MORE_THAN_NONE = must.Range(min=0, min_inclusive=False)

# --- Where things are ---

VAR_DIR = env.path("ANAMNESIS_VAR", BASE_DIR / "var").resolve()
HOST = env.str("HOST", "127.0.0.1")  # the address the web server listens on
PORT = env.int("PORT", 8000, validate=must.Range(1, 65535))
# What people type: behind a proxy it is another than HOST and PORT.
SITE_URL = env.str(
    "SITE_URL", f"http://{HOST}:{PORT}", validate=must.URL(schemes={"http", "https"}, require_tld=False)
).rstrip("/")
IS_HTTPS = SITE_URL.startswith("https://")

# --- Secrets ---

SECRET_KEY = env.str("SECRET_KEY", validate=must.Length(min=1))
try:
    # Newest first: the first key seals, all of them open.
    MASTER_KEYS = parse_master_keys(env.list("MASTER_KEYS"))
except ValueError as error:
    raise ImproperlyConfigured(f"MASTER_KEYS: {error}") from error

# --- Who may ask ---

DEBUG = env.bool("DEBUG", False)
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
SITE_HOST = urlsplit(SITE_URL).hostname or "localhost"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [SITE_HOST, "localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_SSL_REDIRECT = env.bool("SSL_REDIRECT", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", False) else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- The rooms ---

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "channels",
    "clinic",
    "emotion",
    "interviews",
    "reports",
    # An app without models: its commands see every room.
    "clinic.config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "clinic.middleware.headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "clinic.config.urls"
ASGI_APPLICATION = "clinic.config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clinic.context.house",
            ],
        },
    },
]

# --- Rows and files ---

DATABASES = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{VAR_DIR / 'clinic.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # WAL and IMMEDIATE: writers wait their turn instead of failing half-way. FULL: the patient's device forgets a part
    # of a recording once it is acknowledged, so its row must outlive a power cut.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASE_POOL = env.int("DATABASE_POOL", 8, validate=AT_LEAST_ONE)  # connections a process
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": DATABASE_POOL}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MEDIA_ROOT = VAR_DIR / "media"
STATIC_ROOT = VAR_DIR / "static"
STATIC_URL = "/static/"
NODE_MODULES = env.path("NODE_MODULES", VAR_DIR / "npm" / "node_modules").resolve()
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("vendor/uplot", NODE_MODULES / "uplot" / "dist"),  # for the browser, by npm; pages do without it
]
SILENCED_SYSTEM_CHECKS = ["staticfiles.W004"]  # that folder is not there on a machine without npm
SERVESTATIC_KEEP_ONLY_HASHED_FILES = True  # half as much to compress; every page asks by the hashed name
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "clinic.config.storage.ModuleStaticFilesStorage"},
}

# --- Broker, cache and sockets: one server, three numbered databases ---

# A number at its end is the first of the three: redis://host:6379/4 takes 4, 5 and 6.
REDIS_URL = env.str("REDIS_URL", "", validate=must.Regexp(r"^$|^rediss?://[^/]+(/\d*)?$", error="Not a redis:// URL."))
BROKER_SOCKET = broker_socket(VAR_DIR)
if REDIS_URL:
    server, first = numbered_database(REDIS_URL)
    broker, cache, layer = (f"{server}/{number}" for number in (first, first + 1, first + 2))
else:
    broker = f"redis+socket://{BROKER_SOCKET}?virtual_host=0"
    cache, layer = (f"unix://{BROKER_SOCKET}?db={number}" for number in (1, 2))
CACHES = {"default": {"BACKEND": "clinic.config.cache.SteadyCache", "LOCATION": cache}}
CHANNEL_LAYER_OPTIONS = {"hosts": [layer], "prefix": "anamnesis"}
CHANNEL_LAYERS = {
    # pubsub: the core layer keeps a slow reader's first 100 messages and drops the rest, "done" included.
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": CHANNEL_LAYER_OPTIONS},
}

# --- Work ---

CELERY_BROKER_URL = broker
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# "spawn" for the GPU worker (`up` sets it): CUDA cannot be initialised again after a fork.
CELERY_WORKER_POOL_START_METHOD = env.str(
    "CELERY_WORKER_POOL_START_METHOD", "fork", validate=must.OneOf(["fork", "spawn"])
)
# A spawned child imports everything anew. Celery kills it after 4 s, and on a busy machine its successor, for ever.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 120.0
CORES = os.cpu_count() or 1
WEB_PROCESSES = env.int("WEB_PROCESSES", 1, validate=AT_LEAST_ONE)
WORKER_PROCESSES = env.int("WORKER_PROCESSES", max(1, CORES // 2), validate=AT_LEAST_ONE)  # besides the one for the GPU
WORKER_THREADS = env.int("WORKER_THREADS", max(1, CORES // 2), validate=AT_LEAST_ONE)  # of arithmetic, in each
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
# Above the longest task, or a running one is delivered again; the lease in each Job row is the second guard.
# The rest keeps a web request from waiting for a broker that is away: its rows wait for the sweep instead.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 6 * 3600,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "socket_keepalive": bool(REDIS_URL),
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker for as long as it takes
CELERY_TASK_SOFT_TIME_LIMIT = 3 * 3600
CELERY_TASK_TIME_LIMIT = CELERY_TASK_SOFT_TIME_LIMIT + 300
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
# How long a stage of work stays with a worker that says nothing; a living one renews it.
JOB_LEASE_SECONDS = env.int("JOB_LEASE_SECONDS", 120, validate=AT_LEAST_ONE)
CELERY_TASK_ROUTES = {
    "interviews.tasks.join_recording": {"queue": "media"},
    "interviews.tasks.transcribe_answer": {"queue": "speech"},
    "interviews.tasks.speak_questions": {"queue": "speech"},
    "interviews.tasks.speak_due": {"queue": "speech"},
    "interviews.tasks.read_answer": {"queue": "gpu"},
    "emotion.tasks.read_trial": {"queue": "gpu"},
    "emotion.tasks.import_checkpoint": {"queue": "gpu"},
    "emotion.tasks.build_pack": {"queue": "gpu"},
    "emotion.tasks.start_waiting_runs": {"queue": "gpu"},
    "emotion.tasks.look_after_runs": {"queue": "gpu"},
    "interviews.authoring_tasks.*": {"queue": "reports"},
    "interviews.scale_tasks.*": {"queue": "speech"},
    "reports.tasks.*": {"queue": "reports"},
}
CELERY_TIMEZONE = "UTC"

# --- People ---

AUTH_USER_MODEL = "clinic.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "clinic.accounts.ClosedAdapter"
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# Mail goes out where EMAIL_HOST names a server; else it is only printed. No patient's name or word stands in any.
EMAIL_HOST = env.str("EMAIL_HOST", "")
EMAIL_PORT = env.int("EMAIL_PORT", 587, validate=AT_LEAST_ONE)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 20  # seconds
EMAIL_BACKEND = env.str(
    "EMAIL_BACKEND", f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"anamnesis@{SITE_HOST}")
MAIL_LANGUAGE = env.str("MAIL_LANGUAGE", "en", validate=must.OneOf(["en", "ar"]))  # of alerts to the clinic's people
INVITATION_DAYS = env.int("INVITATION_DAYS", 14, validate=AT_LEAST_ONE)
# Shown on every page a patient sees; the clinic's own words and numbers.
CRISIS_TEXT = env.str(
    "CRISIS_TEXT",
    "If you are in danger or thinking of harming yourself, do not wait for this clinic to read your answers: "
    "call your local emergency number now.",
)
CRISIS_TEXT_AR = env.str(
    "CRISIS_TEXT_AR",
    "إذا كنت في خطر أو تفكر في إيذاء نفسك، فلا تنتظر أن تقرأ هذه العيادة إجاباتك: اتصل الآن برقم الطوارئ في بلدك.",
)
# Words that call for a person: after how long others than her clinician are told, and who (empty: the admins).
RISK_ESCALATE_MINUTES = env.int("RISK_ESCALATE_MINUTES", 30, validate=AT_LEAST_ONE)
RISK_ESCALATION_EMAILS: list[str] = env.list("RISK_ESCALATION_EMAILS", [])

# --- Recordings ---

MAX_CHUNK_BYTES = env.int("MAX_CHUNK_BYTES", 4 * 1024 * 1024, validate=AT_LEAST_ONE)
MAX_ANSWER_BYTES = env.int("MAX_ANSWER_BYTES", 600 * 1024 * 1024, validate=AT_LEAST_ONE)
MAX_ANSWER_SECONDS = env.int("MAX_ANSWER_SECONDS", 60 * 60, validate=AT_LEAST_ONE)
# What the browser is asked for; encoders deviate (-60 % to +7 % measured).
RECORD_VIDEO_BITS = env.int("RECORD_VIDEO_BITS", 500_000, validate=AT_LEAST_ONE)  # a second
RECORD_AUDIO_BITS = env.int("RECORD_AUDIO_BITS", 32_000, validate=AT_LEAST_ONE)  # a second
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_CHUNK_BYTES + 64 * 1024

# --- Models and services ---

MODELS_DIR = env.path("MODELS_DIR", VAR_DIR / "models").resolve()
# A folder for each training run: what it goes on from, its best checkpoint, its log.
RUNS_DIR = env.path("RUNS_DIR", VAR_DIR / "runs").resolve()
# Empty takes a GPU where there is one.
DEVICE = env.str("DEVICE", "", validate=must.Regexp(r"^(cpu|mps|cuda(:\d+)?)?$", error="Not cpu, cuda, cuda:1 or mps."))
VOSK_MODELS = env.path("VOSK_MODELS", MODELS_DIR / "vosk").resolve()
# auto: Vosk where its model is, else Whisper. vosk: it alone. whisper: first, Vosk for what it does not understand.
HEARING_ENGINE = env.str(
    "HEARING_ENGINE", "auto", validate=must.OneOf(["auto", "vosk", "whisper"], error="Not auto, vosk or whisper.")
)
WHISPER_MODEL = env.path("WHISPER_MODEL", None)  # a folder in faster-whisper's form, in place of tiny.en
# With a folder named here, models are taken from it and no host is asked for them.
OFFLINE_MODELS = env.path("OFFLINE_MODELS", None)
MODEL_CATALOGUE = env.path("MODEL_CATALOGUE", None)  # in place of emotion/catalogue.toml
MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", 2 * 1024**3, validate=AT_LEAST_ONE)  # a checkpoint, or a clip to try
TRIAL_HOURS = env.int("TRIAL_HOURS", 24, validate=AT_LEAST_ONE)  # then what an engineer tried is deleted
# Empty: no language model is asked. Nothing leaves the machine unless a setting names where to.
OLLAMA_HOST = env.str("OLLAMA_HOST", "http://127.0.0.1:11434")
OLLAMA_MODEL = env.str("OLLAMA_MODEL", "llama3.2:3b")
OLLAMA_TIMEOUT = env.float("OLLAMA_TIMEOUT", 120.0, validate=MORE_THAN_NONE)  # seconds of silence
OLLAMA_LONGEST = env.float("OLLAMA_LONGEST", 1200.0, validate=MORE_THAN_NONE)  # seconds for one reply
OLLAMA_KEEP_ALIVE = env.str(
    "OLLAMA_KEEP_ALIVE",
    "5m",
    validate=must.Regexp(r"^-?\d+(ms|s|m|h)$", error="Not a length of time such as 5m, 0s or -1s (for ever)."),
)
OLLAMA_CONTEXT = env.int("OLLAMA_CONTEXT", 8192, validate=must.Range(min=4096))  # tokens of prompt and reply together
OLLAMA_PARALLEL = env.int("OLLAMA_PARALLEL", 1, validate=AT_LEAST_ONE)  # replies at once, over all processes
# gTTS sends the question's text (never a patient's words) to its maker's service; off unless asked for.
SPEAK_ONLINE = env.bool("SPEAK_ONLINE", False)

# --- Pages ---

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ar", "العربية")]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600  # seconds: a choice stays
LANGUAGE_COOKIE_SECURE = IS_HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [VAR_DIR / "locale"]  # compiled from clinic/locale at each start where that changed
FORMAT_MODULE_PATH = ["clinic.formats"]
TIME_ZONE = env.str("TIME_ZONE", "UTC", validate=must.OneOf(available_timezones(), error="Not a known time zone."))
USE_TZ = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.CursorPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Anamnesis",
    "DESCRIPTION": "Recordings, readings and models. It does not diagnose.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/",
}

# --- Logs: what happened and to which row, never what a patient said ---

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"without_live_links": {"()": "clinic.logs.WithoutLiveLinks"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without_live_links"]}},
    "root": {"handlers": ["console"], "level": env.log_level("LOG_LEVEL", logging.INFO)},
    "loggers": {"httpx": {"level": "WARNING"}},  # it tells each address, and some carry a signature
}
