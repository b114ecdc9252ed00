"""Values of 16-bit floats in registers and in memory."""

from penstock._src.compiler.codegen.scalars.registers import from_memory, rounded, to_memory
from penstock._src.core.dtypes import bfloat16
from penstock._src.native import Module, host
from penstock._src.native.language.types import I16, PTR, vec


def test_rounded_bfloats_are_stored_without_rounding_again():
    with Module(host()).fn("f", p=PTR) as f:
        loaded = from_memory(f, f.load(f.p, 0, vec(I16, 16)), bfloat16)
        total = rounded(f, loaded + 1.0, bfloat16)
        before = len(f.lines)
        stored = to_memory(f, total, bfloat16), to_memory(f, loaded, bfloat16)
        assert all("bitcast" in line for line in f.lines[before:])
        assert all(x.ty == vec(I16, 16) for x in stored)
        to_memory(f, total + 1.0, bfloat16)
        assert any("fptrunc" in line or "uno" in line for line in f.lines[before:])
