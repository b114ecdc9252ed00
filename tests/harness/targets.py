"""Targets whose code this processor can run, besides its own: of shorter vectors where it has long ones."""

from dataclasses import replace

import pytest

from penstock._src.native import Target, host

HERE = host()
WITHOUT_MATRICES = replace(HERE, features=HERE.features.replace("+amx-tile", "-amx-tile"))
"""This processor without matrix registers, which multiply narrow numbers where there are some."""
_MATRICES = "+amx-tile,+amx-bf16,+amx-int8,+avx512bw,+avx512bf16"
MATRICES_IN_MEMORY = replace(
    HERE, features=f"{HERE.features},{_MATRICES}", vector_bytes=64, registers=32, checked=True
)
"""This processor with matrix registers that checked code keeps in memory, if it has x86-64."""
RUNS_MATRICES_IN_MEMORY = pytest.mark.skipif(
    "+avx512bf16" not in HERE.features, reason="the code around matrix registers uses AVX512-BF16"
)
_LESSER = {
    "x86_64": {"avx2": ("haswell", "+avx2,+fma,+f16c", 32, 16), "sse4": ("x86-64-v2", "", 16, 16)},
    "aarch64": {"neon": ("generic", "+neon", 16, 32)},
}
LESSER = [
    pytest.param(Target(HERE.triple, *facts), id=name)
    for name, facts in _LESSER.get(HERE.architecture, {}).items()
]
"""Parameters of tests: each such target."""
