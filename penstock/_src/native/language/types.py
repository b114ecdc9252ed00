"""LLVM types and constants as text.

A type is its LLVM text: "float", "<16 x float>", "ptr". All functions here are pure functions of such texts.
"""

import ctypes
import struct

import ml_dtypes
import numpy as np

VOID, PTR = "void", "ptr"
I1, I8, I16, I32, I64 = "i1", "i8", "i16", "i32", "i64"
F16, BF16, F32, F64 = "half", "bfloat", "float", "double"

SIZE = {I1: 1, I8: 1, I16: 2, I32: 4, I64: 8, F16: 2, BF16: 2, F32: 4, F64: 8, PTR: 8}
FLOATS = frozenset((F16, BF16, F32, F64))
BITS = {I1: 1, I8: 8, I16: 16, I32: 32, I64: 64, F16: 16, BF16: 16, F32: 32, F64: 64}
_MANGLED = {F16: "f16", BF16: "bf16", F32: "f32", F64: "f64", PTR: "p0"}

# NumPy's names of memory element types; bool is a byte with value 0 or 1.
OF_NUMPY = {
    "bool": I8, "int8": I8, "uint8": I8, "int16": I16, "uint16": I16, "int32": I32, "uint32": I32,
    "int64": I64, "uint64": I64, "float16": F16, "bfloat16": BF16, "float32": F32, "float64": F64,
}  # fmt: skip


def vec(ty: str, lanes: int) -> str:
    """Returns the vector type of `lanes` elements of scalar type `ty`."""
    return f"<{lanes} x {ty}>"


def scalar(ty: str) -> str:
    """Returns the element type of a vector type, and any other type itself."""
    return ty[ty.index("x") + 2 : -1] if ty[0] == "<" else ty


def lanes(ty: str) -> int:
    """Returns the number of elements of a type: 1 for a scalar."""
    return int(ty[1 : ty.index(" ")]) if ty[0] == "<" else 1


def like(ty: str, element: str) -> str:
    """Returns the type of `element` with as many lanes as `ty`."""
    return vec(element, lanes(ty)) if ty[0] == "<" else element


def is_float(ty: str) -> bool:
    return scalar(ty) in FLOATS


def size_of(ty: str) -> int:
    """Returns the bytes of one value of type `ty`."""
    return SIZE[scalar(ty)] * lanes(ty)


def mangle(ty: str) -> str:
    """Returns the suffix of LLVM's overloaded intrinsics for `ty`, such as v16f32."""
    if ty[0] == "<":
        return f"v{lanes(ty)}{mangle(scalar(ty))}"
    return _MANGLED.get(ty, ty)


def constant(x: float | int | bool, ty: str) -> str:
    """Returns LLVM's spelling of the Python number `x` as a constant of type `ty`."""
    s = scalar(ty)
    if s in FLOATS:
        text = _float_constant(float(x), s)
    elif s == PTR:
        text = "null" if x == 0 else f"inttoptr (i64 {int(x)} to ptr)"
    else:
        text = str(int(x))
    return text if s == ty else f"splat ({s} {text})"


def _float_constant(x: float, ty: str) -> str:
    if ty == F16:
        with np.errstate(over="ignore"):
            return f"0xH{int(np.float16(x).view(np.uint16)):04X}"
    if ty == BF16:
        return f"0xR{int(np.asarray(x, ml_dtypes.bfloat16).view(np.uint16)):04X}"
    if ty == F32:
        x = ctypes.c_float(x).value
    return f"0x{struct.unpack('Q', struct.pack('d', x))[0]:016X}"
