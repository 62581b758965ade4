"""Weights as others published them: read without running what is pickled beside them, loaded strictly or not at all."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from emotion.ml.errors import WrongCheckpoint

# All that a file of tensors needs. Storage types never get here: torch answers for them by name.
TENSOR_NAMES = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch", "Size"),
}


def read_published(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors`, `.bin`, `.pth` or `.pth.tar` file, `state_dict` unwrapped, `module.` removed.

    Raises WrongCheckpoint.
    """
    try:
        if path.suffix == ".safetensors":
            return bare_names(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=False, pickle_module=_TENSORS_ONLY)
    except FileNotFoundError as error:
        raise WrongCheckpoint(f"There is no file {path.name}.") from error
    except (SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError, ValueError, TypeError) as error:
        raise WrongCheckpoint(f"{path.name} cannot be read as a file of weights.") from error
    return bare_names(found)


def bare_names(found: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state dict inside a training checkpoint, without the prefix that DataParallel leaves."""
    if not isinstance(found, Mapping):
        raise WrongCheckpoint("The file holds no state dict.")
    state = found.get("state_dict", found)
    if not isinstance(state, Mapping):
        raise WrongCheckpoint("The file holds no state dict.")
    tensors = {name.removeprefix("module."): value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise WrongCheckpoint("The file holds no tensors.")
    return tensors


def load_strictly(net: nn.Module, found: Mapping[str, Any]) -> None:
    """Every weight of the net from the state dict, and every entry used. Raises WrongCheckpoint naming some."""
    state, wanted = bare_names(found), net.state_dict()
    missing = [name for name in wanted if name not in state]
    strange = [name for name in state if name not in wanted]
    unlike = [name for name in wanted if name in state and state[name].shape != wanted[name].shape]
    complaints = [
        f"{word}: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
        for word, names in (("missing", missing), ("not of this net", strange), ("of another shape", unlike))
        if names
    ]
    if complaints:
        raise WrongCheckpoint(f"These weights are for another net ({'; '.join(complaints)}).")
    net.load_state_dict(state)


class _Ignored:
    """Stands for any object that is not a tensor (a training log, an optimiser): made, filled and forgotten."""

    def __init__(self, *args: Any, **values: Any) -> None: ...
    def __call__(self, *args: Any, **values: Any) -> _Ignored:
        return self

    def __setstate__(self, state: Any) -> None: ...
    def __setitem__(self, key: Any, value: Any) -> None: ...
    def append(self, value: Any) -> None: ...
    def extend(self, values: Any) -> None: ...


class _Unpickler(pickle.Unpickler):
    # Published checkpoints carry the author's own classes, so torch's weights_only refuses them whole; and
    # unpickling them plainly would run whatever the file asks for.
    def find_class(self, module: str, name: str) -> Any:
        return super().find_class(module, name) if (module, name) in TENSOR_NAMES else _Ignored


_TENSORS_ONLY = SimpleNamespace(
    __name__="tensors_only",
    Unpickler=_Unpickler,
    load=lambda file, **options: _Unpickler(file, **options).load(),
    UnpicklingError=pickle.UnpicklingError,
)
