"""Every test: on the embedded parts, in a browser, and again on PostgreSQL and Redis where they answer.

python -m tests [pytest's own options]
"""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import urlsplit

import psycopg
import redis

from tests import chromium

POSTGRES = "postgres://postgres@127.0.0.1:5432/anamnesis"
REDIS = "redis://127.0.0.1:6379"
ELSEWHERE = ("tests/clinic", "tests/interviews", "tests/reports", "tests/emotion", "tests/flows")
MOST = "not browser and not alone"
# At once, in the order they are found: sorted by number of tests, the longest stories would come last, alone.
TWO = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
ROWLESS = "tests/emotion/ml"  # touches neither database nor broker


def main(options: list[str]) -> int:
    codes = []
    browser = chromium.find_or_install()
    say("All but the browser tests, on SQLite.")
    codes.append(pytest("-m", MOST, *TWO, *options))
    say("Tests that start the whole site, one at a time.")
    codes.append(pytest("-m", "alone and not browser", *options))
    if browser:
        say(f"In a browser: {browser}.")
        codes.append(pytest("-m", "browser", *TWO, *options, CHROMIUM=browser))
    else:
        say("SKIPPED: the browser tests. No Chromium is here and none could be installed; name one in CHROMIUM.")
    elsewhere = servers()
    if elsewhere:
        say("Again, on PostgreSQL and Redis.")
        codes.append(
            pytest("-m", f"{MOST} and not model", *TWO, f"--ignore={ROWLESS}", *options, *ELSEWHERE, **elsewhere)
        )
    failed = [code for code in codes if code not in (0, 5)]  # 5: none of that kind was chosen
    return failed[0] if failed else 0


def pytest(*options: str, **environment: str) -> int:
    """The exit code. What failed runs once more, and is said to have: browsers and workers on a busy machine are late
    now and then; what is broken fails twice."""
    command = [sys.executable, "-m", "pytest", *options]
    # One thread each: two runs on two cores would otherwise fight over them.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    code = subprocess.run(command, env=environment, check=False).returncode
    if code == 1:
        say("SOME FAILED, see above. These once more.")
        again = ["--last-failed", "--last-failed-no-failures", "none"]
        code = subprocess.run([*command, *again], env=environment, check=False).returncode
    return code


def servers() -> dict[str, str]:
    """What points the suite at them; empty, with a line that says so, when one does not answer."""
    database = os.environ.get("TEST_DATABASE_URL", POSTGRES)
    try:
        parts = urlsplit(database)
        psycopg.connect(parts._replace(scheme="postgresql", path="/postgres").geturl(), connect_timeout=3).close()
    except psycopg.Error as error:
        say(f"SKIPPED: the run on PostgreSQL and Redis. No PostgreSQL answers ({str(error).splitlines()[0]}).")
        say("Start one, or name it in TEST_DATABASE_URL.")
        return {}
    broker = os.environ.get("TEST_REDIS_URL") or empty_redis(REDIS)
    if not broker:
        say("SKIPPED: the run on PostgreSQL and Redis. No Redis answers on its usual port with three empty databases.")
        say("Start one, or name it in TEST_REDIS_URL.")
        return {}
    return {"DATABASE_URL": database, "REDIS_URL": broker}


def empty_redis(server: str) -> str | None:
    """Three databases in a row that hold nothing: tests empty them."""
    try:
        sizes = [redis.Redis.from_url(f"{server}/{number}", socket_timeout=3).dbsize() for number in range(16)]
    except redis.RedisError:
        return None
    for first in range(13, -1, -1):
        if not any(sizes[first : first + 3]):
            return f"{server}/{first}"
    return None


def say(sentence: str) -> None:
    print(f"\n== {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
