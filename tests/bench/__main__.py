"""What the stages cost: python -m tests.bench [analysis …] prints JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys

import torch

from tests.bench.analysis import analysis
from tests.bench.charts import charts
from tests.bench.hearing import hearing
from tests.bench.training import training

# A name here and a function that returns plain data: that is a bench.
BENCHES = {"analysis": analysis, "hearing": hearing, "training": training, "charts": charts}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name", help=f"{', '.join(BENCHES)} (left out: all)")
    chosen = parser.parse_args().names or list(BENCHES)
    if unknown := set(chosen) - set(BENCHES):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    found = {"machine": machine(), **{name: BENCHES[name]() for name in chosen}}
    json.dump(found, sys.stdout, indent=1)
    print()


def machine() -> dict[str, object]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    main()
