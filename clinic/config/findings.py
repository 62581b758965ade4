"""What is installed, reachable or missing here, and what each absence costs. Nothing heavy is imported to find out."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import redis
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from clinic.config import embedded
from clinic.integrations import hearing, language

State = Literal["good", "missing", "off", "warning"]
LOW_DISK = 2 * 1024**3  # bytes: about eight hours of recorded video at the rate browsers are asked for
GPU_PATIENCE = 10  # seconds nvidia-smi may take


@dataclass(frozen=True)
class Finding:
    name: str
    state: State  # "off" was chosen so in the settings
    detail: str
    cost: str = ""  # what the absence costs, for the operator
    essential: bool = False

    @property
    def is_fatal(self) -> bool:
        return self.essential and self.state == "missing"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def everything() -> list[Finding]:
    return [look() for look in ESSENTIALS + EXTRAS + ADVICE]


def missing_extras() -> list[Finding]:
    """What the site does without, for the lines that `up` prints."""
    return [finding for look in EXTRAS if (finding := look()).state in ("missing", "off")]


# --- Without these nothing works ---


def database() -> Finding:
    is_there = partial(Finding, "Database", essential=True, cost="No page can be shown.")
    probe = connection.copy()
    probe.settings_dict["OPTIONS"].pop("pool", None)  # a pool waits half a minute and hides the reason
    try:
        probe.ensure_connection()
        probe.close()
    except DatabaseError as error:
        return is_there("missing", f"{connection.vendor} does not answer: {_first_line(error)}")
    return is_there("good", connection.vendor)


def migrations() -> Finding:
    is_there = partial(Finding, "Tables", essential=True, cost="Pages fail until `make setup` or `manage.py migrate`.")
    if database().state != "good":
        return is_there("missing", "cannot be looked at without the database")
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return is_there("missing", f"cannot be looked at: {_first_line(error)}")
    if waiting:
        return is_there("missing", f"{len(waiting)} migrations wait")
    return is_there("good", "up to date")


def broker() -> Finding:
    """With the embedded one, a server that is not running is no fault: `up` starts it."""
    cost = "Answers are kept, but nothing is transcribed or measured, and pages do not follow live."
    is_there = partial(Finding, "Broker", cost=cost, essential=True)
    if settings.REDIS_URL:
        try:
            redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2).ping()
        except (redis.RedisError, ValueError) as error:
            return is_there("missing", f"REDIS_URL does not answer: {_first_line(error)}")
        return is_there("good", "REDIS_URL answers")
    if embedded.broker_answers(settings.BROKER_SOCKET):
        return is_there("good", "embedded, running")
    try:
        return is_there("good", f"embedded, started by `up` ({embedded.broker_program().name})")
    except embedded.NoBroker as error:
        return is_there("missing", str(error))


def static_files() -> Finding:
    is_there = partial(Finding, "Static files", essential=True, cost="Pages come without style, or not at all.")
    if not getattr(staticfiles_storage, "hashed_files", True):
        return is_there("missing", "not collected: `make setup` or `manage.py collectstatic`")
    return is_there("good", "collected")


def recordings_folder() -> Finding:
    is_there = partial(Finding, "Recordings folder", essential=True, cost="No answer can be kept.")
    folder = Path(settings.MEDIA_ROOT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return is_there("missing", f"{folder} cannot be written: {error.strerror}")
    return is_there("good", str(folder))


def disk_space() -> Finding:
    folder = next(path for path in (settings.VAR_DIR, *settings.VAR_DIR.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    state: State = "good" if free > LOW_DISK else "warning"
    return Finding("Disk space", state, f"{free / 1024**3:.1f} GiB free", "A full disk refuses recordings.")


# --- What a reading is made with ---


def face_detector() -> Finding:
    files = ("data/pnet.pt", "data/rnet.pt", "data/onet.pt")
    return _packaged("Face detector", "facenet_pytorch", files, "Faces are not found: timelines show the voice alone.")


def expression_net() -> Finding:
    shipped = Path(settings.BASE_DIR) / "emotion" / "ml" / "weights" / "expression.safetensors"
    cost = "Expressions are not read: timelines show the voice alone."
    if not shipped.is_file():
        return Finding("Expression net", "missing", f"{shipped.name} is not in emotion/ml/weights", cost)
    return Finding("Expression net", "good", shipped.name, cost)


def voice_activity() -> Finding:
    files = ("assets/silero_vad_v6.onnx",)
    return _packaged("Voice activity", "faster_whisper", files, "Speech is not told from silence: no voice lane.")


def pitch() -> Finding:
    return _packaged("Pitch", "swift_f0", ("model.onnx",), "The voice lane has no pitch.")


def torch() -> Finding:
    cost = "No reading of face or voice is made."
    try:
        return Finding("PyTorch", "good", version("torch"), cost)
    except PackageNotFoundError:
        return Finding("PyTorch", "missing", "not installed", cost)


# --- What more can be had ---


def hearing_english() -> Finding:
    return _hearing("Hearing English", "en")


def hearing_arabic() -> Finding:
    return _hearing("Hearing Arabic", "ar")


def _hearing(name: str, language: str) -> Finding:
    cost = "Answers in this language have no transcript until its model is there; then they can be tried again."
    try:
        engine = hearing.engine_for(language)
        sha256 = engine.model_sha256
    except (hearing.ModelMissing, OSError) as error:
        return Finding(name, "missing", _first_line(error), cost)
    package = {hearing.VOSK: "vosk", hearing.WHISPER: "faster_whisper"}[engine.kind]
    if not find_spec(package):
        return Finding(name, "missing", f"the package {package} is not installed", cost)
    return Finding(name, "good", f"{engine.kind}, {engine.folder.name}, sha256 {sha256[:16]}…", cost)


def ollama() -> Finding:
    cost = "Reports are composed from the evidence alone and say so; question sets are the curated ones."
    is_there = partial(Finding, "Ollama", cost=cost)
    model = language.language_model()
    if model is None:
        return is_there("off", "OLLAMA_HOST is empty")
    try:
        answering = model.describe()
    except language.ModelUnknown:
        return is_there("missing", f"it answers without {settings.OLLAMA_MODEL}: ollama pull {settings.OLLAMA_MODEL}")
    except language.LanguageModelError as error:
        return is_there("missing", str(error))
    if answering.context and answering.context < settings.OLLAMA_CONTEXT:
        small = (
            f"{answering.model} was made for {answering.context} tokens, OLLAMA_CONTEXT is {settings.OLLAMA_CONTEXT}"
        )
        return is_there("warning", small)
    return is_there("good", _described(answering))


def _described(answering: language.Answering) -> str:
    size = f"{answering.bytes / 1e9:.1f} GB" if answering.bytes else "size unknown"
    made = ", ".join(filter(None, [size, answering.quantization]))
    context = f"context {settings.OLLAMA_CONTEXT} of {answering.context or 'unknown'} tokens"
    which = f"{answering.model} ({answering.digest[:12]}; {made}; {context})"
    return f"{which}, Ollama {answering.version} at {settings.OLLAMA_HOST}, {settings.OLLAMA_PARALLEL} at once"


def offline_voice() -> Finding:
    return _packaged("Offline voice", "py_nanotts", ("lang/en-US_ta.bin",), "Questions are shown but not spoken.")


def arabic_voice() -> Finding:
    files = ("espeak-ng-data/ar_dict", "espeak-ng-data/phondata")
    return _packaged("Arabic voice", "espeakng_loader", files, "Arabic questions are shown but not spoken.")


def online_voice() -> Finding:
    cost = "Questions are spoken by the offline voices, English and Arabic."
    if not settings.SPEAK_ONLINE:
        return Finding("gTTS service", "off", "SPEAK_ONLINE is off: no question leaves this machine", cost)
    if not find_spec("gtts"):
        return Finding("gTTS service", "missing", "the package is not installed", cost)
    return Finding("gTTS service", "good", "asked when a question set is published", cost)


def mail() -> Finding:
    cost = "Alerts show on the clinician's pages only; they and password resets are printed to the log."
    if not settings.EMAIL_HOST and settings.EMAIL_BACKEND.startswith("django.core.mail.backends.console"):
        return Finding("Mail", "off", "EMAIL_HOST is empty", cost)
    return Finding("Mail", "good", settings.EMAIL_HOST or settings.EMAIL_BACKEND, cost)


def gpu() -> Finding:
    is_there = partial(Finding, "GPU", cost="Readings run on the processor: right, but slower than on a GPU.")
    if settings.DEVICE == "cpu":
        return is_there("off", "DEVICE=cpu")
    program = shutil.which("nvidia-smi")
    if not program:
        return is_there("missing", "no nvidia-smi here")
    try:
        ended = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=GPU_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return is_there("missing", f"nvidia-smi: {_first_line(error)}")
    devices = [line.split(" (UUID")[0] for line in ended.stdout.splitlines() if line.startswith("GPU ")]
    if not devices:
        return is_there("missing", "nvidia-smi names none")
    if find_spec("torch") and version("torch").endswith("+cpu"):
        return is_there("missing", f"{devices[0]}, but the installed PyTorch is a CPU build")
    return is_there("good", "; ".join(devices))


def chart_library() -> Finding:
    cost = "The timeline is shown as a table only."
    if not (settings.NODE_MODULES / "uplot").is_dir():
        return Finding("Chart library", "missing", "npm could not install it: run `make setup` with a network", cost)
    return Finding("Chart library", "good", "uPlot", cost)


def arabic_typeface() -> Finding:
    cost = "Reports with Arabic letters cannot be made into a PDF; their pages and markdown files are not touched."
    if not (settings.NODE_MODULES / "@expo-google-fonts" / "noto-naskh-arabic").is_dir():
        return Finding("Arabic typeface", "missing", "npm could not install it: run `make setup` with a network", cost)
    return Finding("Arabic typeface", "good", "Noto Naskh Arabic", cost)


# --- What an operator should know ---


def camera() -> Finding:
    cost = "Browsers give the camera only to https pages and to this machine itself."
    if settings.IS_HTTPS or settings.SITE_HOST in ("localhost", "127.0.0.1", "::1", "[::1]"):
        return Finding("Camera access", "good", settings.SITE_URL, cost)
    return Finding("Camera access", "warning", f"{settings.SITE_URL} is not https: no patient can record", cost)


def debug() -> Finding:
    cost = "Error pages show code and settings to whoever meets them."
    if settings.DEBUG:
        return Finding("DEBUG", "warning", "on", cost)
    return Finding("DEBUG", "good", "off", cost)


ESSENTIALS: list[Callable[[], Finding]] = [database, migrations, broker, static_files, recordings_folder]
EXTRAS: list[Callable[[], Finding]] = [
    torch,
    face_detector,
    expression_net,
    voice_activity,
    pitch,
    hearing_english,
    hearing_arabic,
    ollama,
    offline_voice,
    arabic_voice,
    online_voice,
    mail,
    gpu,
    chart_library,
    arabic_typeface,
]
ADVICE: list[Callable[[], Finding]] = [disk_space, camera, debug]


def _packaged(name: str, package: str, files: tuple[str, ...], cost: str) -> Finding:
    """Model files that an installed package carries, found without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return Finding(name, "missing", f"the package {package} is not installed", cost)
    folder = Path(next(iter(spec.submodule_search_locations)))
    absent = [file for file in files if not (folder / file).is_file()]
    if absent:
        return Finding(name, "missing", f"{package} lacks {', '.join(absent)}", cost)
    return Finding(name, "good", package, cost)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
