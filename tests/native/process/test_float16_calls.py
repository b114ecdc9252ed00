"""The conversions that processors without F16C lack, against NumPy's, over all float16 numbers and the ties between them."""

import ctypes
import platform

import ml_dtypes
import numpy as np
import pytest

from penstock._src.native import Code, Module, Target, host, kernels
from penstock._src.native.process import float16_calls

pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="x86-64 only"
)
HALF, FLOAT, DOUBLE = ("half", np.float16), ("float", np.float32), ("double", np.float64)
BFLOAT = ("bfloat", ml_dtypes.bfloat16)
TYPES = {
    "__extendhfsf2": (HALF, FLOAT),
    "__truncsfhf2": (FLOAT, HALF),
    "__truncdfhf2": (DOUBLE, HALF),
    "__truncsfbf2": (FLOAT, BFLOAT),
    "__truncdfbf2": (DOUBLE, BFLOAT),
}


@pytest.fixture(scope="module")
def library():
    """The conversions, each with a function `each<name>(from, to, count)`."""
    module = Module(Target(host().triple, "x86-64-v2", "", 16, 16))
    loops = [loop(name, source[0], to[0]) for name, (source, to) in TYPES.items()]
    # A pool that has the conversions gives them to whatever is loaded later.
    given = float16_calls.exports(host())
    text = float16_calls.definitions(tuple(name for name in TYPES if name not in given))
    text += declarations(given) + "".join(loops)
    module.raw(text, tuple(f"each{name}" for name in TYPES))
    return kernels()[Code.of(module)]


def declarations(names):
    kinds = {name: TYPES[name] for name in names}
    return "".join(
        f"declare {to} @{name}({source})\n" for name, ((source, _), (to, _)) in kinds.items()
    )


def loop(name, source, to):
    return f"""
define void @each{name}(ptr %from, ptr %to, i64 %n) #0 {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %j, %loop ]
  %p = getelementptr {source}, ptr %from, i64 %i
  %q = getelementptr {to}, ptr %to, i64 %i
  %v = load {source}, ptr %p
  %w = call {to} @{name}({source} %v)
  store {to} %w, ptr %q
  %j = add i64 %i, 1
  %more = icmp ult i64 %j, %n
  br i1 %more, label %loop, label %out
out:
  ret void
}}
"""


def converted(library, name, values):
    source, to = (kind[1] for kind in TYPES[name])
    values, out = np.ascontiguousarray(values, source), np.empty(len(values), to)
    function = library.function(f"each{name}", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    function(values.ctypes.data, out.ctypes.data, len(values))
    return out


def around(narrow):
    """Every number of a 16-bit type, the ties between neighbors, and what is just beside either."""
    with np.errstate(all="ignore"):
        numbers = np.arange(1 << 16, dtype=np.uint16).view(narrow).astype(np.float64)
        numbers = np.unique(numbers[np.isfinite(numbers)])
        ties = (numbers[1:] + numbers[:-1]) / 2
        exact = np.concatenate(
            [numbers, ties, [65520.0, 65519.9, 1e300, -1e300, 5e-324, np.inf, -np.inf]]
        )
        return np.concatenate([exact, np.nextafter(exact, np.inf), np.nextafter(exact, -np.inf)])


def test_every_half_becomes_its_float(library):
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    np.testing.assert_array_equal(converted(library, "__extendhfsf2", halves), halves.astype("f4"))


@pytest.mark.parametrize("name", ["__truncsfhf2", "__truncdfhf2", "__truncsfbf2"])
def test_numbers_are_rounded_to_the_nearest(library, name):
    (_, wide), (_, narrow) = TYPES[name]
    with np.errstate(all="ignore"):
        values = around(narrow).astype(wide)
        want = values.astype(narrow)
    got = converted(library, name, values)
    np.testing.assert_array_equal(got.view(np.uint16), want.view(np.uint16))


def test_doubles_are_rounded_once(library):
    tie = 1 + 2.0**-8  # between bfloat16's 1 and the next number
    values = [
        tie,
        tie + 2.0**-50,
        tie - 2.0**-50,
        1 + 3 * 2.0**-8,
        1 + 3 * 2.0**-8 - 2.0**-50,
        1e300,
    ]
    got = converted(library, "__truncdfbf2", values)
    step = 2.0**-7
    assert got.astype(np.float64).tolist() == [1, 1 + step, 1, 1 + 2 * step, 1 + step, np.inf]


@pytest.mark.parametrize("name", TYPES)
def test_nan_stays_nan(library, name):
    assert np.isnan(converted(library, name, [np.nan, -np.nan])).all()


CHOSEN = """
define void @chosen(ptr %a, ptr %b, ptr %to, i64 %n) #0 {
entry:
  %first = icmp eq i64 %n, 0
  br i1 %first, label %left, label %right
left:
  %x = load bfloat, ptr %a
  store bfloat 0xR0000, ptr %a
  br label %out
right:
  %y = load bfloat, ptr %b
  store bfloat 0xR0000, ptr %b
  br label %out
out:
  %z = phi bfloat [ %x, %left ], [ %y, %right ]
  store bfloat %z, ptr %to
  ret void
}
"""


def test_bfloats_that_are_only_moved_are_whole():
    module = Module(host())
    module.raw(CHOSEN, ("chosen",))
    chosen = kernels()[Code.of(module)].function("chosen", *[ctypes.c_void_p] * 3, ctypes.c_int64)
    a, b, to = (np.array([x], ml_dtypes.bfloat16) for x in (1.5, -2.25, 0))
    chosen(a.ctypes.data, b.ctypes.data, to.ctypes.data, 1)
    assert [float(x[0]) for x in (a, b, to)] == [1.5, 0, -2.25]
