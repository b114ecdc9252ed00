"""Kernels: each construct as native code, as plain Python, and with NumPy; and what is refused."""

import itertools
import os
import pickle
import subprocess
import sys
import traceback

import numpy as np
import pytest

from penstock._src.native.builtins import kernel as module
from penstock._src.native.builtins.kernel import kernel, static
from penstock._src.util.flags import override

SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
FLOATS = ("float32", "float64")
GOLDEN = 0x9E3779B97F4A7C15


def draw(dtype, count=40, seed=0):
    """Numbers with the limits of a dtype among them."""
    rng, dtype = np.random.default_rng(seed), np.dtype(dtype)
    if dtype.kind == "f":
        info, x = np.finfo(dtype), rng.normal(size=count).astype(dtype)
        special = [np.nan, np.inf, -np.inf, 0.0, -0.0, info.max, -info.max, info.tiny, 1, -1]
    else:
        info = np.iinfo(dtype)
        x = rng.integers(info.min, info.max, count, dtype, endpoint=True)
        x[::3] = rng.integers(0, 5, len(x[::3]))
        special = [info.min, info.max, 0, 1, info.max - 1, info.min + 1]
    at = rng.permutation(count)[: len(special)]
    x[at] = np.array(special, dtype)
    return x


def same(a, b):
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def check(function, *arguments):
    """Runs a kernel as native code and as Python; returns the result, and the arguments after it."""
    native, plain = (
        [np.copy(x) if isinstance(x, np.ndarray) else x for x in arguments] for _ in range(2)
    )
    results = function(*native), function.in_python(*plain)
    assert results[0] == results[1] and type(results[0]) is type(results[1])
    for a, b in zip(native, plain, strict=True):
        if isinstance(a, np.ndarray):
            assert same(a, b), (a, b)
    return results[0], native


# -- numbers


@kernel("a: T[n], b: U[n], out: R[3, n]")
def arithmetic(a, b, out):
    for i in range(len(a)):
        out[0, i], out[1, i], out[2, i] = a[i] + b[i], a[i] - b[i], a[i] * b[i]


@kernel("a: T[n], b: U[n], out: R[n]")
def quotients(a, b, out):
    for i in range(len(a)):
        out[i] = a[i] / b[i]


@kernel("a: T[n], b: U[n], out: R[5, n]")
def of_integers(a, b, out):
    for i in range(len(a)):
        x, y = a[i], b[i]
        out[0, i], out[1, i] = x // y, x % y
        out[2, i], out[3, i], out[4, i] = x & y, x | y, x ^ y


@kernel("a: T[n], b: T[n], out: T[2, n]")
def masked_shifts(a, b, out):
    for i in range(len(a)):
        out[0, i], out[1, i] = a[i] << (b[i] & 63), a[i] >> (b[i] & 127)


@kernel("a: T[n], b: T[n], out: T[2, n]")
def shifts(a, b, out):
    for i in range(len(a)):
        out[0, i], out[1, i] = a[i] << b[i], a[i] >> b[i]


@kernel("a: T[n], b: U[n], out: bool[6, n]")
def comparisons(a, b, out):
    for i in range(len(a)):
        x, y = a[i], b[i]
        out[0, i], out[1, i], out[2, i] = x < y, x <= y, x > y
        out[3, i], out[4, i], out[5, i] = x >= y, x == y, x != y


@kernel("a: T[n], b: T[n], out: T[5, n]")
def of_one_kind(a, b, out):
    for i in range(len(a)):
        x, y = a[i], b[i]
        out[0, i], out[1, i], out[2, i] = min(x, y), max(x, y), abs(x)
        out[3, i], out[4, i] = -x, y if x < y else x


def pairs():
    kinds = (*SIGNED, *UNSIGNED, *FLOATS)
    several = [
        ("int8", "int64"),
        ("int32", "float32"),
        ("uint8", "int16"),
        ("uint32", "float64"),
        ("float32", "float64"),
        ("int64", "int32"),
    ]
    return [(kind, kind) for kind in kinds] + several


@pytest.mark.parametrize(("first", "second"), pairs())
def test_operators_are_those_of_numpy(first, second):
    a, b = draw(first), draw(second, seed=1)
    with np.errstate(all="ignore"):
        expected = np.stack([a + b, a - b, a * b])
        _, (*_, out) = check(arithmetic, a, b, np.zeros_like(expected))
        assert same(out, expected)
        expected = a / b
        _, (*_, out) = check(quotients, a, b, np.zeros(len(a), expected.dtype))
        # NumPy divides small integers as floats of their own size.
        assert out.dtype != np.float64 or np.array_equal(out, expected, equal_nan=True)
        expected = np.stack([a < b, a <= b, a > b, a >= b, a == b, a != b])
        _, (*_, out) = check(comparisons, a, b, np.zeros_like(expected))
        assert same(out, expected)
        if "float" not in first + second:
            expected = np.stack([a // b, a % b, a & b, a | b, a ^ b])
            _, (*_, out) = check(of_integers, a, b, np.zeros_like(expected))
            assert same(out, expected)


@pytest.mark.parametrize("kind", [*SIGNED, *UNSIGNED])
def test_shifts_are_those_of_numpy(kind):
    a, b = draw(kind), np.resize(np.arange(70, dtype=kind), 40)
    expected = np.stack([a << b, a >> b])
    _, (*_, out) = check(shifts, a, b, np.zeros_like(expected))
    assert same(out, expected)
    check(shifts, a, np.full_like(a, 60), np.zeros_like(expected))
    for count in (0, 31, 63, 64, 100):
        check(masked_shifts, a, np.full_like(a, count), np.zeros_like(expected))


@pytest.mark.parametrize("kind", [*SIGNED, *FLOATS])
def test_functions_of_python_are_those_of_python(kind):
    a, b = draw(kind), draw(kind, seed=1)
    _, (*_, out) = check(of_one_kind, a, b, np.zeros((5, len(a)), kind))
    python = [(min(x, y), max(x, y)) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert np.array_equal(out[:2].T, python, equal_nan=kind in FLOATS)


@kernel("a: T[n], ints: int64[n], bytes: uint8[n], words: uint64[n], singles: float32[n]")
def casts(a, ints, bytes, words, singles):
    for i in range(len(a)):
        x = a[i]
        ints[i], bytes[i], words[i] = np.int64(x), np.uint8(x), np.uint64(x)
        singles[i] = np.float32(x)
        ints[i] += int(bool(x)) + int(float(x) > 3)


@pytest.mark.parametrize("kind", [*SIGNED, *UNSIGNED])
def test_casts_wrap(kind):
    x = draw(kind)
    out = [np.zeros(len(x), name) for name in ("int64", "uint8", "uint64", "float32")]
    _, (_, ints, small, words, singles) = check(casts, x, *out)
    assert same(small, x.astype(np.uint8)) and same(words, x.astype(np.uint64))
    assert same(singles, x.astype(np.float32))
    assert same(ints, x.astype(np.int64) + (x != 0) + (x.astype(float) > 3))


@kernel("a: float64[n], out: float64[7, n], flags: bool[3, n]")
def functions(a, out, flags):
    for i in range(len(a)):
        x = a[i]
        out[0, i], out[1, i], out[2, i] = np.sqrt(x), np.floor(x), np.ceil(x)
        out[3, i], out[4, i], out[5, i] = np.trunc(x), np.rint(x), np.fabs(x)
        out[6, i] = np.copysign(1.0, x)
        flags[0, i], flags[1, i], flags[2, i] = np.isnan(x), np.isinf(x), np.isfinite(x)


@kernel("a: float64[n], out: float64[5, n]")
def transcendental(a, out):
    for i in range(len(a)):
        x = a[i]
        out[0, i], out[1, i], out[2, i] = np.exp(x), np.log(x), np.log1p(x)
        out[3, i], out[4, i] = np.tanh(x), np.power(x, 2.5)


def test_functions_are_those_of_numpy():
    x = draw("float64")
    x[np.abs(x) < 9] *= 50
    _, (_, out, flags) = check(functions, x, np.zeros((7, 40)), np.zeros((3, 40), bool))
    with np.errstate(all="ignore"):
        assert np.array_equal(out[4], np.rint(x), equal_nan=True)
        assert np.array_equal(flags, [np.isnan(x), np.isinf(x), np.isfinite(x)])
        out = np.zeros((5, 40))
        transcendental(x, out)
        expected = [np.exp(x), np.log(x), np.log1p(x), np.tanh(x), np.power(x, 2.5)]
        # The C library's last bits differ from NumPy's.
        np.testing.assert_allclose(out, expected, rtol=1e-14)


@kernel("x: float64[n], words: uint64[n], hashes: uint64[n]")
def bits(x, words, hashes):
    for i in range(len(x)):
        words[i] = x[i].view(np.uint64)
        hashes[i] = words[i] * GOLDEN >> 32 & 1023


def test_bits_of_floats_and_products_of_words():
    x = draw("float64")
    _, (_, words, hashes) = check(bits, x, np.zeros(40, np.uint64), np.zeros(40, np.uint64))
    assert np.array_equal(words, x.view(np.uint64))
    assert np.array_equal(hashes, (words * np.uint64(GOLDEN) >> np.uint64(32)) & np.uint64(1023))


@kernel("count: int, small: int32, factor: float32, flag: bool, limit: int64")
def numbers(count, small, factor, flag, limit):
    if flag and factor * 0.1 > 1:
        return int(small + 1) + count
    return limit + 1


def test_numbers_as_arguments():
    results = [
        check(numbers, 2**33, small, 12.5, flag, 2**63 - 1)[0]
        for small, flag in itertools.product((3, 2**31 - 1), (True, False))
    ]
    assert results == [2**33 + 4, -(2**63), 2**33 - 2**31, -(2**63)]
    with pytest.raises(TypeError):
        numbers(1.5, 1, 1.0, True, 1)
    with pytest.raises(OverflowError):
        numbers(2**64, 1, 1.0, True, 1)


# -- control flow


@kernel("x: int64[n], limit: int64")
def first_above(x, limit):
    for i in range(len(x)):
        if x[i] > limit:
            return i
    return -1


@kernel("x: int64[n], out: int64[n]")
def loops(x, out):
    """Sums up odd numbers down to the first multiple of 7, with every statement that changes the path."""
    total = kept = 0
    for i in range(len(x) - 1, -1, -1):
        if x[i] % 2 == 0:
            continue
        elif x[i] % 7 == 0 and i > 0:
            break
        total += x[i]
        out[kept] = total
        kept += 1
    steps = 0
    while True:
        steps += 1
        if steps > 5 or not steps < 100:
            break
        if steps == 3:
            continue
        for j in range(0, steps, 2):
            if j == 2:
                break
            out[0] += j + 1
    while steps > 0 and out[0] != 3:
        steps -= 1
        pass
    return total * 100 + steps


@kernel("x: float32[n]")
def kinds_change(x):
    """The total is Python's 0 first, and a float32 from the first round on."""
    total, least = 0, np.inf
    for i in range(len(x)):
        total = total + x[i]
        least = min(x[i], np.float32(least))
    return int(total * 16) + int(least)


@kernel("n: int")
def fibonacci(n):
    pair = 0, 1
    for _ in range(n):
        pair = pair[1], pair[0] + pair[1]
    return pair[0]


def test_control_flow():
    x = np.arange(1, 60, dtype=np.int64) * 5 % 83
    for limit in (-5, 20, 1000):
        assert check(first_above, x, limit)[0] == next(
            (i for i, v in enumerate(x) if v > limit), -1
        )
    for count in (0, 1, 2, 20, 59):
        check(loops, x[:count].copy(), np.zeros(max(count, 1), np.int64)[:count]) if count else None
    assert check(fibonacci, 50)[0] == 12586269025 and check(fibonacci, 0)[0] == 0
    y = np.linspace(-3, 4, 17, dtype=np.float32)
    assert check(kinds_change, y)[0] == int(y.sum() * 16) - 3


def add_to(cell, amount, times=1):
    """A helper: it is written where it is called."""
    if times < 0:
        return amount, 0
    for _ in range(times):
        cell[0] += amount
    return cell[0], times


@kernel("x: int64[rows, columns, 2], weights: float64[3], bounds: int64[rows + 1]")
def arrays(x, weights, bounds):
    """Elements, rows and planes of arrays, unrolled loops and helpers."""
    rows, columns, pair = x.shape
    for i in range(rows):
        plane = x[i]
        for j in range(columns):
            plane[j, 0], plane[j][-1] = plane[j, 1], i * columns + j
        bounds[i + 1] = add_to(plane[0], i, times=2)[0]
    for k, weight in static(((0, 0.5), (1, 1.5), (2, 2.5))):
        weights[k] *= weight
        if k == 1:
            continue
        weights[k] += pair
    for k in static(range(3)):
        if weights[k] > 100:
            break
        bounds[0] += add_to(bounds, k)[1]
    return x.shape[0] * 10 + bounds.dtype.type(len(weights))


def test_arrays():
    x = np.arange(24).reshape(3, 4, 2)
    result, (after, weights, _) = check(
        arrays, x, np.array([1.0, 2.0, 200.0]), np.zeros(4, np.int64)
    )
    assert result == 33 and weights.tolist() == [2.5, 3.0, 502.0]
    assert after[1, 2, 0] == x[1, 2, 1] and after[1, 2, 1] == 6


@kernel("x: float64[n], i: int64")
def guarded(x, i):
    """Right sides that may not be computed: there is no such element, or it is slow."""
    if i >= 0 and i < len(x) and x[i] > 0:
        return 1
    value = x[i] if 0 <= i < len(x) else -5.0
    return int(value) if value == -5 or not value > 3 else 2


def test_short_circuits():
    x = np.array([1.0, -2.0])
    assert [check(guarded, x, i)[0] for i in (-(10**9), 0, 1, 10**9)] == [-5, 1, -2, -5]


@kernel("x: int64[n], i: int64")
def chained(x, i):
    """What follows a comparison that fails may not be computed."""
    return 1 if 0 <= i < len(x) > x[i] >= 0 else 0


def test_chains_of_comparisons():
    x = np.array([1, -2, 3, 4])
    places = (-(10**9), 0, 1, 2, 3, 10**9)
    assert [check(chained, x, i)[0] for i in places] == [0, 1, 0, 1, 0, 0]


# -- calls


def test_arguments_are_checked():
    x, out = np.zeros((2, 3), np.int64), np.zeros((3, 3), np.int64)

    @kernel("x: int64[n, n]")
    def square(x):
        x[0, 0] = 7

    read_only = out.copy()
    read_only.flags.writeable = False
    wrong = [x, out.T[::-1], out.astype(np.int32), out.astype(">i8"), out[0], read_only, [1], None]
    for argument in wrong:
        with pytest.raises(TypeError, match=r"square: expected \(x: int64\[n, n\]\)"):
            square(argument)
    with pytest.raises(TypeError):
        square(out, out)
    pickled = pickle.loads(pickle.dumps(out))  # equal dtypes that are other objects
    square(pickled), square(out.astype(np.longlong))
    square(out.view(np.recarray))
    assert pickled[0, 0] == out[0, 0] == 7
    assert square(out) is None and square.__name__ == "square"


def test_a_signature_names_the_parameters():
    with pytest.raises(TypeError, match=r"must name its parameters \['x'\]"):
        kernel("y: int64")(
            first_above.python.__class__(compile("lambda x: 1", "", "eval").co_consts[0], {})
        )
    with pytest.raises(SyntaxError, match="an extent must be"):
        kernel("x: int64[n * 2]")(lambda x: 1)
    with pytest.raises(SyntaxError, match="must have a kind"):
        kernel("x")(lambda x: 1)


def test_without_native_code_it_runs_as_python(monkeypatch):
    monkeypatch.setattr(module, "runs_native_code", lambda: False)

    @kernel("x: int64[n], by: int64")
    def scaled(x, by):
        for i in range(len(x)):
            x[i] *= by

    x = np.array([2**62, 3])
    scaled(x, 4)
    assert x.tolist() == [0, 12] and scaled.__wrapped__ is scaled.python


PROGRAM = """
import numpy as np
from penstock._src.native.kernels import kernels
from penstock._src.native.builtins.kernel import kernel
SCALE, MORE = {scale}, {more}
def helper(x, more=MORE):
    return (x {operator} SCALE) + more
@kernel("x: int64[n]")
def change(x):
    x[0] = helper(x[0])
x = np.array([10])
change(x)
print(x[0], kernels().statistics.compiled - kernels().statistics.from_disk > 0)
"""


def test_the_cache_knows_kernels_by_their_text(tmp_path):
    """And by the texts of helpers, the numbers of the module that they use, and the values of their defaults."""
    environment = {**os.environ, "PENSTOCK_CACHE_DIR": str(tmp_path / "cache")}
    path, outputs = tmp_path / "program.py", []
    for scale, operator, more in ((3, "+", 0), (3, "+", 0), (4, "+", 0), (4, "*", 0), (4, "*", 2)):
        path.write_text(PROGRAM.format(scale=scale, operator=operator, more=more))
        command = [sys.executable, str(path)]
        run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        outputs.append(run.stdout.split())
    assert [number for number, _ in outputs] == ["13", "13", "14", "40", "42"]
    assert [is_new for _, is_new in outputs] == ["True", "False", "True", "True", "True"]


def test_indices_are_checked_on_request():
    @kernel("x: int64[rows, columns], i: int64, j: int64")
    def read(x, i, j):
        row = x[i]
        return row[j]

    x = np.arange(12).reshape(3, 4)
    with override(checked=1):
        assert read(x, 2, 3) == 11
    for i, j, line in ((3, 0, 0), (-1, 0, 0), (0, 4, 1), (1, -1, 1)):
        number = read.python.__code__.co_firstlineno + 2 + line
        with pytest.raises(IndexError, match=f"read: .*test_kernel.py, line {number}$"):
            read(x, i, j)
    assert read(x, 0, 0) == 0


# -- what is refused

REFUSED = [
    ("y = [1, 2]", "[1, 2]", "use a tuple, or an array as an argument"),
    ("y = [v for v in x]", "[v", "use a loop"),
    ("raise ValueError", "raise", "use a number that is returned"),
    ("y = f'{n}'", "f'", "use numbers"),
    ("y = x[1:3]", "1:3", "use a loop over the elements"),
    ("y = lambda: 1", "lambda", "use a function of the module"),
    ("import math", "import", "use an import of the module"),
    ("y = n ** 2", "n **", "write products or np.power"),
    ("y = x[0] // 0.5", "x[0] //", "write np.floor(a / b)"),
    ("y = n // 0", "n // 0", "the divisor is 0"),
    ("y = (n > 1) + 1", "(n > 1)", "write int(...)"),
    ("y = n << 64", "n <<", "from 0 to 63"),
    ("for v in x: pass", "for v", "over range(...) or static(...)"),
    ("for i in range(0, 5, n): pass", "for i", "the step of a range must be a number"),
    ("for i in static(range(n)): pass", "for i", "known here"),
    ("for i in range(x[0]): pass", "for i", "an integer is needed"),
    ("while n: n -= 1", "while n", "write x != 0"),
    ("n = n if n > 1 else 2.0", "n if", "convert one"),
    ("y = undefined", "undefined", "has no value on some path"),
    ("y = x.sum()", "x.sum", "arrays have .shape and .dtype.type"),
    ("y = np.linalg.norm(n)", "np.linalg.norm", "kernels have no"),
    ("y = sorted(n)", "sorted", "docs/kernels.md lists functions"),
    ("y = x[0, 0]", "x[0, 0]", "the array has 1 dimensions"),
    ("x[0.5] = 1.0", "x[0.5]", "an integer is needed"),
    ("x[0] = x", "x[0] =", "use a loop"),
    ("n.y = 3", "n.y", "variables and elements of arrays alone"),
    ("y = n[0]", "n[0]", "arrays and tuples alone"),
    ("a, b = 1, 2, 3", "a, b", "2 values are needed"),
    ("y = 1 in x", "1 in", "use =="),
    ("y = forever(n)", "forever", "use a loop"),
    ("n += 1\n    small[0] = 300", "small[0] = 300", "out of the range of int8"),
    ("y = words[0] + small[0]", "words[0]", "no common kind"),
    ("small[0] = x[0]", "small[0]", "write int(...)"),
    ("if n > 1:\n        y = 1\n    n = y", "y", "has no value on some path"),
    ("y = 0.5\n    for i in range(n): y = small[0]", "for i", "'y' changes in this loop"),
    ("y = small[0]\n    if n > 1: y = x[0]\n    n = y", "y", "differs from path to path"),
    ("for i in range(n): pass\n    else: n = 1", "for i", "loops have no else"),
    ("x = small if n > 1 else x", "small if", "different things"),
]  # fmt: skip

WRONG = """
import numpy as np
from penstock._src.native.builtins.kernel import kernel, static
from penstock._src.util.flags import override
def forever(n):
    return forever(n)
if True:
  @kernel("x: float64[m], n: int64, small: int8[m], words: uint64[m]")
  def wrong(x, n, small, words):
    {statement}
"""


@pytest.mark.parametrize(("statement", "at", "message"), REFUSED)
def test_other_statements_are_refused_with_their_place(tmp_path, statement, at, message):
    path, text = tmp_path / "wrong.py", WRONG.format(statement=statement)
    path.write_text(text)
    names = {}
    exec(compile(text, str(path), "exec"), names)
    arrays = [np.ones(3), 2, np.ones(3, np.int8), np.ones(3, np.uint64)]
    with pytest.raises(SyntaxError) as caught:
        names["wrong"](*arrays)
    error = caught.value
    assert message in error.msg
    line = text.splitlines()[error.lineno - 1]
    if "forever" not in statement:
        assert line[error.offset - 1 :].lstrip("(").startswith(at.lstrip("("))
    shown = "".join(traceback.format_exception_only(error))
    assert f'"{path}", line {error.lineno}' in shown and "^" in shown
