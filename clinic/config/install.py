"""Make .venv and install what requirements.lock names. Standard library only: it runs before anything is installed.

    python3 clinic/config/install.py [.venv]

PyTorch goes first and by pip, with needs of its own: which build fits (CUDA or CPU) is what pip's configuration on this
machine says, and a lock made on another machine cannot know. All the rest is installed as locked, without resolving:
some packages declare needs that contradict each other (README, "Dependencies that need care").
"""

import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
OLDEST = (3, 11)


def main() -> None:
    if sys.version_info < OLDEST:
        sys.exit(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version.split()[0]}.")
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".venv")
    started = time.monotonic()
    python = make_venv(folder)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    # Compiling thousands of files that nobody may import takes longer than unpacking them.
    pip.append("--no-compile")
    say("Installing PyTorch (the longest part) ...")
    run([*pip, "--constraint", str(LOCK), "uv", "torch"])
    say("Installing everything else ...")
    with tempfile.TemporaryDirectory() as scratch:
        rest = Path(scratch) / "rest.txt"
        rest.write_text("\n".join(without_torch(LOCK.read_text())))
        by_uv = [str(python), "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--python", str(python)]
        if subprocess.run([*by_uv, "-r", str(rest)], check=False).returncode:
            say("uv could not; trying with pip ...")
            run([*pip, "--no-deps", "-r", str(rest)])
    say(f"Installed in {time.monotonic() - started:.0f} s.")


def make_venv(folder: Path) -> Path:
    """The folder's Python; made anew when it is missing or no longer runs, as after an upgrade of the system's."""
    python = folder / "bin" / "python"
    if not python.exists() or subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode:
        try:
            venv.create(folder, with_pip=True, clear=folder.exists())
        except (OSError, subprocess.CalledProcessError):
            sys.exit("This Python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv.")
    return python


def without_torch(lock: str) -> list[str]:
    """The lock's lines but for PyTorch's, which pip installed with its own needs."""
    lines = (line.split("#")[0].strip() for line in lock.splitlines())
    return [line for line in lines if line and not line.startswith("torch==")]


def run(command: list[str]) -> None:
    if code := subprocess.run(command, check=False).returncode:
        sys.exit(f"`{' '.join(command[:4])} …` ended with {code}; its own words are above.")


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    main()
