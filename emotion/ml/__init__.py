"""The emotion library: plain PyTorch, no Django.

Light to import (no torch): `labels`, `readings`, `errors`. Everything else loads torch.
"""

import os

# ONNX Runtime reports to its maker from 1.29 on, also on Linux. Older ones are what we install; this holds if somebody
# upgrades. It must be said before the library is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
