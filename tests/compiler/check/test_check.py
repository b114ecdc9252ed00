"""PENSTOCK_CHECK: planted faults are found, and rounding is none."""

import numpy as np
import pytest

from penstock._src.compiler import pipeline
from penstock._src.compiler.check.checked import CheckedProgram
from penstock._src.compiler.check.oracle import Oracle
from penstock._src.compiler.check.poison import poison, poisoned
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.verify import simulate
from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError
from penstock._src.core.registry import raw
from penstock._src.util.flags import override
from tests.compiler.graphs import executable_of

RANDOM = np.random.default_rng(0)


def normal(*shape, dtype=np.float32):
    return RANDOM.standard_normal(shape).astype(dtype)


class Faulty:
    """A program that gives fixed results."""

    def __init__(self, *results):
        self.results = results

    def run(self, arguments):
        return list(self.results)


def function_of(build, *arguments):
    """The Function of what `build` makes with a builder and parameters like the arguments."""
    p = LoweringContext()
    parameters = [
        p.parameter(i, a.shape, dtypes.as_dtype(a.dtype)) for i, a in enumerate(arguments)
    ]
    made = build(p, *parameters)
    return p.function("f", parameters, made if isinstance(made, list) else [made])


def difference(build, arguments, *results):
    """What the check says of a program with these results, or None."""
    checked = CheckedProgram([("lower", function_of(build, *arguments))], Faulty(*results))
    try:
        checked.run(arguments)
    except InternalError as error:
        return str(error)
    return None


def right(build, *arguments):
    """The results in the interpreter."""
    return Oracle(function_of(build, *arguments), arguments).center


@pytest.mark.parametrize(
    "build, arguments",
    [
        (lambda p, x: p.reduce_sum(x, axes=(0,)), [normal(1000, 3) + 3]),
        (lambda p, x: p.reduce_sum(x, axes=(1,)), [normal(7, 50_000)]),
        (lambda p, x: p.cumulative(p.mul(x, 0.3), "sum", 0), [np.full((3000, 5), 0.1, np.float32)]),
        (lambda p, x, y: p.contract("mk,kn->mn", x, y), [normal(40, 300), normal(300, 50)]),
        (lambda p, x: x - p.broadcast(p.reduce_sum(x, axes=(1,)) / 200.0, x.shape, (0,)), [normal(9, 200) * 0 + 1.1]),
        (lambda p, x: p.sub(p.add(x, 1e4), 1e4), [normal(100)]),
        (lambda p, x: p.sub(p.mul(x, x), p.mul(x, 1.7)), [normal(100)]),
        (lambda p, x: p.exp(p.mul(x, 30.0)), [normal(1000)]),
        (lambda p, x: p.tan(p.mul(x, 100.0)), [normal(1000)]),
        (lambda p, x: p.lgamma(x), [np.concatenate([np.arange(1, 3) + 1e-6, [-2.45702473822, -2.74768264673]])]),
        (lambda p, x: p.floor(p.mul(p.exp(x), 8.0)), [normal(10_000)]),
        (lambda p, x: p.cast(p.reduce_sum(x, axes=(1,)), dtypes.int32), [np.full((3, 60), 0.05, np.float32)]),
        (lambda p, x: p.log(p.reduce_sum(p.exp(x), axes=(1,))), [normal(30, 500)]),
        (lambda p, x, y: p.contract("mk,kn->mn", x, y), [normal(9, 300, dtype=np.float64), normal(300, 5, dtype=np.float64)]),
        (lambda p, x, y: p.tanh(p.contract("mk,kn->mn", x, y)), [normal(9, 64, dtype=np.float16), normal(64, 5, dtype=np.float16)]),
        (lambda p, x, y: p.contract("mk,kn->mn", x, y), [normal(9, 64).astype(dtypes.bfloat16.np), normal(64, 5).astype(dtypes.bfloat16.np)]),
    ],
)  # fmt: skip
def test_rounding_is_no_difference(native_run, build, arguments):
    native_run(function_of(build, *arguments), arguments)


def _positive(n):
    x = normal(n, n)
    return (x @ x.T + n * np.eye(n, dtype=np.float32))[None]


@pytest.mark.parametrize(
    "build, arguments",
    [
        (lambda p, x: p.cholesky(x), [_positive(150)]),
        (lambda p, x: p.lu(x)[0], [normal(1, 150, 150)]),
        (lambda p, x: p.qr(x, 40), [normal(2, 150, 40)]),
        (lambda p, x: p.qr(x, 70), [normal(1, 70, 120, dtype=np.float64)]),
        (lambda p, x, y: p.triangular_solve(x, y, True), [_positive(150), normal(1, 150, 9)]),
    ],
)
def test_factorizations_by_blocks_are_no_difference(native_run, build, arguments):
    function = function_of(build, *arguments)
    result, *rest = native_run(function, arguments)
    wrong = np.array(result)
    wrong[0, 9, 3] += 1e-4 * np.abs(wrong).max()
    assert "differs at [0, 9, 3]" in difference(build, arguments, wrong, *rest)


@pytest.fixture
def native_run():
    def run(function, arguments):
        with override(check=1):
            return pipeline.compile_function(function).run(arguments)

    return run


def test_a_small_value_that_is_off_by_a_thousandth_is_found():
    def build(p, x):
        return p.mul(p.tanh(x), 1e-6)

    x = normal(100)
    (made,) = right(build, x)
    made[17] *= 1.001
    assert "differs at [17]" in difference(build, [x], made)


def test_rubbish_where_the_answer_is_zero_is_found():
    def build(p, x):
        return p.maximum(x, 0.0)

    x = normal(100)
    x[17] = -1
    (made,) = right(build, x)
    made[17] = 1e-9
    assert "differs at [17]: 9.99" in difference(build, [x], made)


def test_a_term_that_a_sum_leaves_out_is_found():
    def build(p, x):
        return p.reduce_sum(x, axes=(1,))

    x = normal(3, 2000)
    (made,) = right(build, x)
    made[1] -= x[1, 1999]
    assert "differs at [1]" in difference(build, [x], made)


def test_a_term_that_a_product_leaves_out_is_found():
    def build(p, x, y):
        return p.contract("mk,kn->mn", x, y)

    x, y = normal(5, 500), normal(500, 4)
    (made,) = right(build, x, y)
    made[2, 3] -= x[2, 7] * y[7, 3]
    assert "differs at [2, 3]" in difference(build, [x, y], made)


def test_an_element_that_nobody_writes_is_found():
    def build(p, x):
        return [p.exp(x), p.cast(x, dtypes.int32), p.gt(x, 0.0)]

    x = normal(10)
    made = right(build, x)
    assert difference(build, [x], *made) is None
    for i in range(3):
        faulty = [np.array(m) for m in made]
        poison(faulty[i][4:5])
        said = difference(build, [x], *faulty)
        assert f"result {i} " in said and "[4]" in said and "nobody wrote" in said


def test_memory_is_poisoned_before_each_run():
    for dtype in (np.float16, dtypes.bfloat16.np, np.float32, np.float64, np.complex64):
        memory = np.zeros(9, dtype)
        poison(memory)
        assert np.isnan(memory).all() and poisoned(memory).all()
        assert not poisoned(np.zeros(9, dtype)).any()
    with override(check=1):
        run = executable_of(lambda x: [raw.Exp(x=x)], (dtypes.float32, [None]))
        run([normal(3)])
        program = run.programs()[0].compiled.program
        assert program.program.is_poisoned


def test_a_device_that_computes_nothing_is_not_held_to_anything():
    x = normal(3)
    with override(check=1, device="null"):
        (made,) = pipeline.compile_function(function_of(lambda p, x: p.exp(x), x)).run([x])
    assert not made.any()


def test_a_wrong_stage_is_named(monkeypatch):
    def off(function):
        p = LoweringContext()
        x = p.parameter(0, (3,), dtypes.float32)
        return p.function(function.name, [x], [p.add(p.exp(x), 1.0)])

    monkeypatch.setattr(pipeline, "loops", off)
    function = function_of(lambda p, x: p.exp(x), normal(3))
    with override(check=1), pytest.raises(InternalError, match="result 0 of stage 'loops', .*exp"):
        pipeline.compile_function(function).run([normal(3)])


def test_code_generation_is_told_from_scheduling(monkeypatch):
    x = normal(9)
    (made,) = right(lambda p, x: p.exp(x), x)
    assert "of code generation" in difference(lambda p, x: p.exp(x), [x], made + 1)
    monkeypatch.setattr(simulate, "run", lambda function, given: ([made + 1], []))
    assert "of scheduling" in difference(lambda p, x: p.exp(x), [x], made + 1)


def test_only_some_runs_of_a_program_are_looked_at():
    x = normal(9)
    stages_of = [("lower", function_of(lambda p, x: p.exp(x), x))]
    checked = CheckedProgram(stages_of, Faulty(np.exp(x) + 1), every=3)
    for run in range(7):
        if run % 3:
            checked.run([x])
        else:
            with pytest.raises(InternalError):
                checked.run([x])


def test_an_argument_that_is_written_to_is_named():
    class Writing(Faulty):
        def run(self, arguments):
            arguments[0][1] = 7
            return super().run(arguments)

    function, x = function_of(lambda p, x: p.exp(x), normal(3)), np.zeros(3, np.float32)
    with pytest.raises(InternalError, match="changed argument 0"):
        CheckedProgram([("lower", function)], Writing(np.ones(3, np.float32))).run([x])


def mish_of_product(p, x, y):
    """Of neighboring sums in bfloat16 often the same number, and another of the sum in float32 between them."""
    s = p.add(p.contract("mk,kn->mn", x, y), 0.1)
    sigma = p.log1p(p.exp(p.neg(p.abs(s))))
    return p.cast(p.mul(s, p.tanh(p.add(p.maximum(s, 0.0), sigma))), dtypes.float32)


@pytest.mark.parametrize(
    "build, dtype, size",
    [
        (mish_of_product, dtypes.bfloat16, 1.0),
        (lambda p, x, y: p.cast(p.contract("mk,kn->mn", x, y), dtypes.float32), dtypes.float16, 1e-6),
        (lambda p, x, y: p.cast(p.neg(p.contract("mk,kn->mn", x, y)), dtypes.float32), dtypes.float16, 1e-6),
    ],
)  # fmt: skip
def test_what_follows_a_product_of_narrow_floats_takes_it_rounded(native_run, build, dtype, size):
    random = np.random.default_rng(0)
    x = (random.normal(size=(1728, 16)) * size).astype(dtype.np)
    y = (random.normal(size=(16, 4)) * 0.3).astype(dtype.np)
    native_run(function_of(build, x, y), (x, y))


def test_a_product_beyond_float16_is_infinite_for_what_follows():
    def build(p, x, y):
        return p.cast(p.contract("mk,kn->mn", x, y), dtypes.float32)

    x, y = np.full((2, 8), 200.0, np.float16), np.full((8, 1), 100.0, np.float16)
    assert difference(build, [x, y], np.full((2, 1), np.inf, np.float32)) is None
    assert difference(build, [x, y], np.full((2, 1), 160000.0, np.float32)) is not None


def test_what_rounding_decides_may_fall_either_way():
    def build(p, x, y):
        return p.cast(p.contract("mk,kn->mn", x, y), dtypes.int32)

    x, y = np.full((2, 10), 0.1, np.float32), np.ones((10, 1), np.float32)
    assert difference(build, [x, y], np.array([[0], [1]], np.int32)) is None
    assert difference(build, [x, y], np.array([[2000], [1]], np.int32)) is not None


def test_places_of_infinities_and_nan_are_compared():
    def build(p, x):
        return p.log(x)

    x = np.array([0.0, -1.0, 1.0, np.inf], np.float32)
    good = np.array([-np.inf, np.nan, 0.0, np.inf], np.float32)
    assert difference(build, [x], good) is None
    for i in range(4):
        for bad in (np.inf, np.nan, -np.inf, 2.0):
            made = good.copy()
            made[i] = bad
            if not np.array_equal(made, good, equal_nan=True):
                assert f"differs at [{i}]" in difference(build, [x], made)


def test_variables_are_compared():
    class Wrong(Faulty):
        def run(self, arguments):
            arguments[0].value = arguments[0].value + np.float32(1.001)
            return []

    from penstock._src.core.values.resources import VariableHandle

    p = LoweringContext()
    handle = p.parameter(0, (), dtypes.resource, variable=((3,), dtypes.float32))
    p.assign_variable(handle, p.add(p.read_variable(handle), 1.0))
    function = p.function("f", [handle], [])
    variable = VariableHandle((3,), dtypes.float32, value=np.zeros(3, np.float32))
    with pytest.raises(InternalError, match="variable .* differs at"):
        CheckedProgram([("lower", function)], Wrong()).run([variable])


def canceling(shape, seed):
    """Numbers whose sums along axis 1 vanish, and are alike along axis 0."""
    random = np.random.default_rng(seed)
    numbers = random.standard_normal((1, *shape[1:]))
    numbers = numbers - numbers.mean(1, keepdims=True)
    return (numbers * (1 + 0.05 * random.standard_normal((shape[0], 1, 1)))).astype(np.float32)


def test_terms_may_be_added_in_any_order_where_they_cancel(native_run):
    for seed in range(20):
        x = canceling((32, 24, 32), seed)
        native_run(function_of(lambda p, x: p.reduce_sum(x, axes=(0, 1)), x), (x,))


def test_noise_may_be_squared_but_not_a_term_left_out(native_run):
    def build(p, x):
        return p.square(p.reduce_sum(x, axes=(0, 1)))

    for seed in range(20):
        x = canceling((32, 24, 32), seed)
        native_run(function_of(build, x), (x,))
    (made,) = right(build, x)
    made[5] = (x[..., 5].astype(float).sum() - x[3, 2, 5]) ** 2
    assert "differs at [5]" in difference(build, [x], made)


def attention_in_sixteen_bits(p, q, k, v, seed):
    """Attention's result, its gradients, and what a bias of the keys gets: zero but for rounding."""

    def single(x):
        return p.cast(x, dtypes.float32)

    def narrow(x):
        return p.cast(x, dtypes.bfloat16)

    def along(x, like):
        return p.broadcast(x, like.shape, (0, 1))

    logits = p.mul(single(p.contract("bth,bsh->bts", q, k)), 0.25)
    e = p.exp(p.sub(logits, along(p.reduce_max(logits, axes=(2,)), logits)))
    weights = p.div(e, along(p.reduce_sum(e, axes=(2,)), e))
    output = p.contract("bts,bsw->btw", narrow(weights), v)
    by_values = p.contract("bts,btw->bsw", narrow(weights), seed)
    by_weights = single(p.contract("btw,bsw->bts", seed, v))
    share = p.reduce_sum(p.mul(by_weights, weights), axes=(2,))
    by_logits = p.mul(p.sub(by_weights, along(share, by_weights)), weights)
    by_scores = narrow(p.mul(by_logits, 0.25))
    by_keys = p.contract("bts,bth->bsh", by_scores, q)
    by_queries = p.contract("bts,bsh->bth", by_scores, k)
    bias = single(p.reduce_sum(by_keys, axes=(0, 1)))
    return [output, by_values, by_queries, p.square(bias)]


def test_attention_takes_its_rows_sums_from_its_rounded_output():
    queries, keys, values, seed = (normal(8, 32, 16) for _ in range(4))
    values = (
        3 + values / 10
    )  # so that its rows' sums are large beside what they are subtracted from
    arguments = [x.astype(dtypes.bfloat16.np) for x in (queries, keys, values, seed)]
    function = function_of(attention_in_sixteen_bits, *arguments)
    with override(check=1):
        program = pipeline.compile_function(function).program
    assert program.ways.shares
    program.run(arguments)
    (*others, bias) = program.program.run(arguments)
    faulty = CheckedProgram([("lower", function)], Faulty(*others, bias + np.float32(1)))
    faulty.ways = program.ways
    with pytest.raises(InternalError, match="result 3 "):
        faulty.run(arguments)


def test_sums_without_results_beside_sums_that_are_rounded():
    def sums(p, x, y):
        return [p.reduce_sum(x, (1,)), p.reduce_sum(y, (0,))]

    nothing, terms = np.zeros((0, 5), np.complex64), np.abs(normal(5000))
    total = np.float32(terms.sum(dtype=np.float64) * (1 + 1e-6))
    assert difference(sums, [nothing, terms], nothing[:, 0], total) is None
