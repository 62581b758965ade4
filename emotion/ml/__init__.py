"""The emotion library: plain PyTorch, no Django.

Light to import (no torch): `labels`, `readings`, `errors`. Everything else loads torch.
"""
