"""Targets whose code this processor can run, besides its own: of shorter vectors where it has long ones."""

import pytest

from penstock._src.native import Target, host

HERE = host()
_LESSER = {
    "x86_64": {"avx2": ("haswell", "+avx2,+fma,+f16c", 32, 16), "sse4": ("x86-64-v2", "", 16, 16)},
    "aarch64": {"neon": ("generic", "+neon", 16, 32)},
}
LESSER = [
    pytest.param(Target(HERE.triple, *facts), id=name)
    for name, facts in _LESSER.get(HERE.architecture, {}).items()
]
"""Parameters of tests: each such target."""
