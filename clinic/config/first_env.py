"""Write a first .env with fresh secrets. Never touches one that exists. Standard library only.

python3 clinic/config/first_env.py [.env]
"""

import base64
import os
import secrets
import sys
from pathlib import Path

TEXT = """\
# Made at the first start. .env.example lists everything that can be set here.

SECRET_KEY={secret}

# Opens every recording and text. Keep a copy in another place: without it nothing can be opened again.
MASTER_KEYS={key}
"""


def main() -> None:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("ENV_FILE", ".env"))
    if path.exists():
        return
    if "SECRET_KEY" in os.environ and "MASTER_KEYS" in os.environ:
        return  # secrets come from outside: a second set in a file would only lead astray
    write(path)
    print(f"Wrote {path} with fresh secrets. Keep a copy of its MASTER_KEYS: nothing opens without them.")


def write(path: Path) -> None:
    """Raises FileExistsError rather than replace a key that recordings may be sealed with."""
    text = TEXT.format(secret=secrets.token_urlsafe(50), key=base64.b64encode(os.urandom(32)).decode())
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
