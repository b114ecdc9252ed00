"""Random ops give the very numbers of TensorFlow 2.21 on a CPU.

The values below were recorded there by calls of the raw ops with these arguments.
"""

import numpy as np
import pytest

import penstock as tf
import penstock._src.api.load
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.values import kernel_state
from penstock._src.ops.random.philox import Stream
from penstock._src.ops.random.stateful import permutation
from tests.harness.op_case import OpCase, check

SEED = np.array([5, -9])
KEY, COUNTER = (
    np.array([5573466690509955210], np.uint64),
    np.array([0, 11328851861840565591], np.uint64),
)
STATELESS = {
    "StatelessRandomUniform": [
        0.26458489894866943,
        0.45409083366394043,
        0.04239213466644287,
        0.355374813079834,
        0.42529356479644775,
    ],
    "StatelessRandomNormal": [
        0.46388915181159973,
        -1.563327431678772,
        1.983033299446106,
        -1.545691967010498,
        -1.2832167148590088,
    ],
    "StatelessTruncatedNormal": [
        0.46388915181159973,
        -1.563327431678772,
        1.983033299446106,
        -1.545691967010498,
        -1.2964754104614258,
    ],
}
STATEFUL = {
    "RandomUniform": [
        0.9237366914749146,
        0.37043046951293945,
        0.9481984376907349,
        0.9067507982254028,
        0.29265379905700684,
        0.22041070461273193,
    ],
    "RandomStandardNormal": [
        0.28962206840515137,
        -0.2734510600566864,
        -0.2986593246459961,
        0.4266698360443115,
        -0.11716693639755249,
        1.5856643915176392,
    ],
    "TruncatedNormal": [
        0.28962206840515137,
        -0.2734510600566864,
        -0.2986593246459961,
        0.4266698360443115,
        -0.11716693639755249,
        1.5856643915176392,
    ],
}


@pytest.fixture(autouse=True)
def fresh_kernels():
    kernel_state.clear()


@pytest.mark.parametrize("op", STATELESS)
def test_stateless(op):
    np.testing.assert_array_equal(
        getattr(raw, op)(shape=[5], seed=SEED).numpy(), np.float32(STATELESS[op])
    )
    by_key = getattr(raw, op + "V2")(shape=[5], key=KEY, counter=COUNTER, alg=1).numpy()
    np.testing.assert_array_equal(by_key, np.float32(STATELESS[op]))


def test_key_and_counter():
    key, counter = raw.StatelessRandomGetKeyCounter(seed=SEED)
    np.testing.assert_array_equal(key.numpy(), KEY)
    np.testing.assert_array_equal(counter.numpy(), COUNTER)


def test_integers():
    full = raw.StatelessRandomUniformFullInt(shape=[5], seed=SEED, dtype="uint32").numpy()
    assert full.tolist() == [2325863915, 2864324518, 1342532891, 4163730668, 2947969029]
    some = raw.StatelessRandomUniformInt(
        shape=[5], seed=SEED, minval=np.int32(-10), maxval=np.int32(1000)
    )
    assert some.numpy().tolist() == [555, 868, 481, 608, 209]


@pytest.mark.parametrize("op", STATEFUL)
def test_stateful_ops_go_on_where_they_were(op):
    drawn = [
        getattr(raw, op)(shape=[3], dtype="float32", seed=3, seed2=4).numpy() for _ in range(2)
    ]
    np.testing.assert_array_equal(np.concatenate(drawn), np.float32(STATEFUL[op]))


@pytest.mark.parametrize("count", [2, 7, 1000])
def test_native_shuffles_are_those_of_python(monkeypatch, count):
    native = permutation(Stream(5, 1 << 70), count)
    monkeypatch.setattr("penstock._src.ops.random.stateful.runs_native_code", lambda: False)
    np.testing.assert_array_equal(native, permutation(Stream(5, 1 << 70), count))
    np.testing.assert_array_equal(np.sort(native), np.arange(count))


def test_shuffle():
    orders = [
        raw.RandomShuffle(value=np.arange(7), seed=3, seed2=4).numpy().tolist() for _ in range(2)
    ]
    assert orders == [[1, 5, 3, 0, 2, 4, 6], [3, 6, 0, 1, 2, 5, 4]]


def test_rejection_methods():
    gamma = raw.RandomGamma(shape=[2], alpha=np.float32([0.3, 1, 4]), seed=3, seed2=4).numpy()
    recorded = [
        0.004520017188042402,
        1.368152141571045,
        1.525091290473938,
        0.1428806632757187,
        1.440904140472412,
        4.177120685577393,
    ]
    np.testing.assert_array_equal(gamma.reshape(-1), np.float32(recorded))
    poisson = raw.RandomPoissonV2(
        shape=[2], rate=np.float32([0.5, 5, 50]), seed=3, seed2=4, dtype="float32"
    )
    assert poisson.numpy().reshape(-1).tolist() == [0, 6, 47, 1, 4, 42]
    binomial = raw.StatelessRandomBinomial(
        shape=[3, 2], seed=SEED, counts=np.array([10.0, 200.0]), probs=np.array([0.3, 0.4])
    )
    assert binomial.numpy().reshape(-1).tolist() == [1, 74, 4, 75, 1, 78]
    classes = raw.Multinomial(logits=np.float32([[0, 1, 2]]), num_samples=6, seed=3, seed2=4)
    assert classes.numpy().tolist() == [[2, 2, 1, 2, 0, 1]]


def test_generator():
    handle = raw.VarHandleOp(dtype="int64", shape=[3])
    raw.AssignVariableOp(resource=handle, value=np.array([1, 2, 3]))
    assert raw.RngReadAndSkip(resource=handle, alg=1, delta=5).numpy().tolist() == [1, 2, 3]
    assert raw.ReadVariableOp(resource=handle, dtype="int64").numpy().tolist() == [1281, 2, 3]
    drawn = raw.StatefulUniform(resource=handle, algorithm=1, shape=[3]).numpy()
    recorded = [0.7652527093887329, 0.6353894472122192, 0.8980157375335693]
    np.testing.assert_array_equal(drawn, np.float32(recorded))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "op",
    ["StatelessRandomUniformV2", "StatelessRandomNormalV2", "StatelessTruncatedNormalV2"],
)
def test_programs_give_the_same_numbers(op, dtype):
    # only doubles differ, in the last place of a sine, cosine or logarithm
    exact = "Uniform" in op or dtype != "float64"
    inputs = [np.array([30, 7], np.int32), KEY, COUNTER, np.int32(1)]
    tolerance = (0, 0) if exact else (1e-13, 1e-14)
    check(OpCase(op, inputs, {"dtype": dtype}, tolerance=tolerance, gradient=False))


def compiled(op, **inputs):
    """What an op gives in a program, which has to hold all of it."""
    function = tf.function(lambda: getattr(raw, op)(**inputs))
    result = function().numpy()
    assert not function.get_concrete_function().graph_function.executable.host_ops
    return result


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_programs_draw_gamma_numbers_as_the_host(dtype):
    alpha = np.array([0.3, 1, 4], dtype)
    for op, seeds in (
        ("StatelessRandomGammaV2", {"seed": SEED}),
        ("StatelessRandomGammaV3", {"key": KEY, "counter": COUNTER, "alg": 1}),
    ):
        inputs = {"shape": [50, 3], "alpha": alpha, **seeds}
        expected = getattr(raw, op)(**inputs).numpy()
        np.testing.assert_allclose(compiled(op, **inputs), expected, 1e-12 * (dtype == "float64"))
    kernel_state.clear()
    first = compiled("RandomGamma", shape=[20], alpha=alpha, seed=3, seed2=4)
    expected = raw.RandomGamma(shape=[20], alpha=alpha, seed=3, seed2=4).numpy()
    np.testing.assert_allclose(first, expected, 1e-12 * (dtype == "float64"))


def test_programs_draw_binomial_numbers_as_the_host():
    counts, probs = np.array([10.0, 200, 7, 0, 50]), np.array([[0.3], [0.7], [1.0], [0.0]])
    inputs = {"shape": [9, 4, 5], "seed": SEED, "counts": counts, "probs": probs}
    expected = raw.StatelessRandomBinomial(**inputs).numpy()
    np.testing.assert_array_equal(compiled("StatelessRandomBinomial", **inputs), expected)


def test_another_algorithm_is_rejected():
    with pytest.raises(InvalidArgumentError, match="Unsupported algorithm id: 2"):
        raw.StatelessRandomUniformV2(shape=[2], key=KEY, counter=COUNTER, alg=2)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_classes_are_drawn_in_programs_as_on_the_host(dtype):
    logits = np.random.default_rng(0).normal(size=(5, 7))
    logits[1, 2:], logits[2] = -np.inf, -np.inf
    logits = tf.constant(logits, dtype)
    drawn = tf.function(lambda x: tf.random.stateless_categorical(x, 11, [1, 2]))
    np.testing.assert_array_equal(
        drawn(logits), tf.random.stateless_categorical(logits, 11, [1, 2])
    )
    assert "host " not in str(drawn.explain(logits))


def test_one_gamma_number_for_a_scalar():
    drawn = raw.RandomGamma(shape=np.zeros(0, np.int32), alpha=np.float32(2), seed=3, seed2=5)
    assert drawn.shape == ()


@pytest.mark.parametrize(
    "draw",
    [
        lambda g: g.uniform([3, 4]),
        lambda g: g.normal([5]),
        lambda g: g.truncated_normal([7]),
        lambda g: g.uniform([4], -5, 9, tf.int64),
        lambda g: g.uniform_full_int([3], tf.uint64),
        lambda g: g.binomial([4], 10.0, 0.3),
        lambda g: (g.skip(3), g.make_seeds(2))[1],
    ],
)
def test_generators_go_on_in_programs_as_on_the_host(draw):
    first, second = (tf.random.Generator.from_seed(7) for _ in range(2))
    function = tf.function(lambda: draw(second), autograph=False)
    for _ in range(2):
        np.testing.assert_array_equal(function(), draw(first))
    np.testing.assert_array_equal(first.state, second.state)
    assert not function.get_concrete_function().graph_function.executable.host_ops


@pytest.mark.parametrize("traced", [False, True])
def test_binomial_parameters_have_to_broadcast(traced):
    draw = lambda n, p: tf.random.stateless_binomial([2], [1, 2], n, p)  # noqa: E731
    draw = tf.function(draw) if traced else draw
    with pytest.raises(InvalidArgumentError, match=r"compatible batch dimensions: \[3\] vs. \[2\]"):
        draw(tf.ones([3]), tf.fill([2], 0.5))


def test_binomial_numbers_reserve_what_they_may_take():
    """As TensorFlow: for 2 numbers of each of 5 pairs of parameters 5 * 200 * 5 / 4 outputs, of 256 blocks each."""
    for wrap in (lambda f: f, tf.function):
        state = tf.Variable(np.array([0, 0, 5]))
        wrap(
            lambda state=state: tf.raw_ops.StatefulRandomBinomial(
                resource=state.handle, algorithm=1, shape=[2, 5], counts=np.full(5, 30.0), probs=0.4
            )
        )()
        assert state.numpy().tolist() == [1250 * 256, 0, 5]
