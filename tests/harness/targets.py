"""Targets whose code this processor can run, besides its own: of shorter vectors where it has long ones."""

from dataclasses import replace

import pytest

from penstock._src.native import Target, host

HERE = host()
WITHOUT_MATRICES = replace(HERE, features=HERE.features.replace("+amx-tile", "-amx-tile"))
"""This processor without matrix registers, which multiply narrow numbers where there are some."""
_LESSER = {
    "x86_64": {"avx2": ("haswell", "+avx2,+fma,+f16c", 32, 16), "sse4": ("x86-64-v2", "", 16, 16)},
    "aarch64": {"neon": ("generic", "+neon", 16, 32)},
}
LESSER = [
    pytest.param(Target(HERE.triple, *facts), id=name)
    for name, facts in _LESSER.get(HERE.architecture, {}).items()
]
"""Parameters of tests: each such target."""
