"""Make expression.safetensors from the unpacked npm package @vladmandic/face-api 1.7.15.

$ npm pack @vladmandic/face-api@1.7.15 && tar xzf vladmandic-face-api-1.7.15.tgz
$ python -m emotion.ml.weights.convert_expression package
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from emotion.ml.nets.expression import ExpressionNet, weights_from_tensorflow

SOURCE_SHA256 = "9a9840f2cf1f4c7eab95f197512569345c00d2426754d4608b92af30e0300f3d"
TARGET = Path(__file__).with_name("expression.safetensors")


def read_tensors(package: Path) -> dict[str, torch.Tensor]:
    """The original's tensors by name, their 8-bit values scaled back to floats."""
    blob = (package / "model/face_expression_model.bin").read_bytes()
    if hashlib.sha256(blob).hexdigest() != SOURCE_SHA256:
        raise SystemExit("face_expression_model.bin is not the file of @vladmandic/face-api 1.7.15.")
    manifest = json.loads((package / "model/face_expression_model-weights_manifest.json").read_text())
    tensors, start = {}, 0
    for weight in manifest[0]["weights"]:
        packed = weight.get("quantization")
        kind = np.dtype(packed["dtype"] if packed else weight["dtype"])
        count = int(np.prod(weight["shape"]))
        values = np.frombuffer(blob, kind, count, start).astype(np.float32)
        start += count * kind.itemsize
        if packed:
            values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
        tensors[weight["name"]] = torch.from_numpy(values.reshape(weight["shape"]))
    return tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="the folder that the npm package unpacks to")
    state = weights_from_tensorflow(read_tensors(parser.parse_args().package))
    ExpressionNet().load_state_dict(state)  # refuses a missing or misshapen tensor
    save_file(state, TARGET)
    print(f"{TARGET.name}: {sum(tensor.numel() for tensor in state.values()):,} parameters")


if __name__ == "__main__":
    main()
