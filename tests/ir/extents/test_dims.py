"""Extents as expressions."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Dim
from penstock._src.ir.extents.guards import Recording
from penstock._src.ir.extents.values import NoNumber, Values
from tests.extents import symbol

B, T = symbol("b", 12), symbol("t", 7)


def test_a_dim_is_what_a_call_says():
    assert B == 12 and (B, 3) == (12, 3) and B != 11 and 13 > B >= 12
    assert [0, 1, 2][symbol("i", 2)] == 2
    with Values({"b": 5}):
        assert B == 5 and int(2 * B) == 10


def test_a_dim_has_no_number_outside_of_a_call():
    with Values({}):
        for asked in (int, bool, float, lambda d: d == 12, lambda d: d < 12, range):
            with pytest.raises(NoNumber, match="b has no number"):
                asked(B)
        assert B == B and B + 1 > B and (B, T) == (B, T)


@pytest.mark.parametrize(
    ("dim", "value", "text"),
    [
        (2 * B + 1, 25, "2*b + 1"),
        (B * T, 84, "b*t"),
        (B - 1 + T, 18, "b + t - 1"),
        (3 - B, -9, "-1*b + 3"),
        (-B, -12, "-1*b"),
        ((4 * B + 2) // 2, 25, "2*b + 1"),
        ((B + 1) // 2, 6, "((b + 1) // (2))"),
        (B % 5, 2, "((b) % (5))"),
        ((B * T) // T, 12, "b"),
    ],
)
def test_arithmetic_keeps_value_and_expression(dim, value, text):
    assert isinstance(dim, Dim) and int(dim) == value and dims.text(dim) == text


@pytest.mark.parametrize(
    "value", [B - B, (B + 3) - B, (2 * B) % 2, (6 * B + 3) % 6, B * 0, (B * T) % T, (B + 1) * 0 + 4]
)
def test_what_does_not_depend_on_symbols_is_a_plain_int(value):
    assert type(value) is int


def test_equal_polynomials_are_equal_expressions():
    assert ((B + 1) * (B + 1)).expr == (B * B + 2 * B + 1).expr
    assert (B * T).expr == (T * B).expr


def test_evaluate_with_other_values():
    extent = dims.maximum((B * T + 1) // 2, T % 4)
    assert dims.evaluate(extent, {"b": 12, "t": 7}) == int(extent)
    assert dims.evaluate(extent, {"b": 3, "t": 3}) == 5
    assert dims.symbols(extent) == {"b", "t"}


def test_substitute_by_dims():
    assert dims.substitute(2 * B + 1, {"b": T}).expr == (2 * T + 1).expr


def test_minimum_of_extents_that_differ_by_a_number_is_one_of_them():
    assert dims.minimum(B + 1, B).expr == B.expr
    assert dims.maximum(5, 6) == 6


def test_floats_are_no_extents():
    assert B * 0.5 == 6.0 and not isinstance(B * 0.5, Dim)


def test_dims_survive_pickling():
    copy = pickle.loads(pickle.dumps(2 * B))
    assert copy.expr == (2 * B).expr


@given(st.integers(2, 50), st.integers(2, 50), st.integers(1, 9), st.integers(-9, 9))
def test_expressions_give_what_ints_give(b, t, factor, offset):
    with Values({"b": b, "t": t}):
        for made, expected in (
            ((B * factor + offset) // factor, (b * factor + offset) // factor),
            ((B * T + offset) % factor, (b * t + offset) % factor),
            ((B + offset) * (T - offset), (b + offset) * (t - offset)),
        ):
            assert made == expected
            assert dims.evaluate(made, {"b": b, "t": t}) == expected


@pytest.mark.parametrize("count", [12, 17, 30])
def test_what_is_divided_by_an_extent_of_zero(count):
    """Such an array has no elements: its kernel is made for other sizes, and not run for this one."""
    rows = symbol("rows", 12)
    none = rows - 12
    assert int(count // none) == int(count % none) == 0
    assert dims.evaluate(count % none, {"rows": 17}) == count % 5
    assert (none * rows) % none == 0


def test_multiples_of_a_sum_are_divided_exactly():
    with Recording({"b": 5, "t": 9}):
        steps = (T - 1) // 2 + 1  # of a convolution: above 0 for every size
        assert dims.key(steps * 1024 // steps) == 1024
        assert dims.key(steps * B * 3 // steps) == dims.key(3 * B)
        assert steps * 1024 % steps == 0
        assert dims.key((steps * 1024 + 1) // steps) != 1024
        may_be_zero = T - 9
        assert dims.is_symbolic(may_be_zero * 4 // may_be_zero)


leaf = st.one_of(st.sampled_from(["b", "t"]), st.integers(-6, 9))
tree = st.recursive(
    leaf,
    lambda inner: st.tuples(st.sampled_from("+ - * // % min max".split()), inner, inner),
    max_leaves=8,
)


def computed(formula, symbols):
    """A formula's value; None where it divides by zero."""
    if not isinstance(formula, tuple):
        return symbols.get(formula, formula)
    a, b = (computed(part, symbols) for part in formula[1:])
    if a is None or b is None or (formula[0] in ("//", "%") and not b):
        return None
    return {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "//": lambda: a // b,
        "%": lambda: a % b,
        "min": lambda: dims.minimum(a, b),
        "max": lambda: dims.maximum(a, b),
    }[formula[0]]()


@given(tree, *[st.integers(2, 30)] * 4)
def test_formulas_hold_at_every_size(formula, b, t, other_b, other_t):
    with Values({"b": b, "t": t}):
        found = computed(formula, {"b": B, "t": T})
        expected = computed(formula, {"b": other_b, "t": other_t})
        if found is None or expected is None:
            return
        assert int(found) == computed(formula, {"b": b, "t": t})
    assert dims.evaluate(found, {"b": other_b, "t": other_t}) == expected


@given(st.integers(-300, 300), st.integers(1, 9), st.integers(1, 5))
def test_remainders_of_remainders(a, k, times):
    dim = symbol("r", 0)
    with Values({"r": a}):
        assert (dim + -dim % (k * times)) % k == (a + -a % (k * times)) % k
        assert (3 * (dim % (k * times)) + dim) % k == (3 * (a % (k * times)) + a) % k
    assert ((dim + -dim % k) % k) == 0 if k > 1 else True
