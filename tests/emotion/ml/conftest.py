"""What the tests of reading share: the starter pack, loaded once."""

import pytest

from emotion.ml.inference import Recogniser


@pytest.fixture(scope="session")
def recogniser() -> Recogniser:
    return Recogniser.load(threads=1)
