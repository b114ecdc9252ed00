"""The C ABI: what it tells, statuses for wrong calls, variables that change."""

import ctypes

import numpy as np
import pytest

import penstock as tf
from penstock._src.aot.code import public
from penstock._src.aot.sources.python_library import ModelError, _Array
from tests.aot.kit import built, loaded, needs_compiler, run_test_program, traced

pytestmark = needs_compiler


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    weights = tf.Variable(np.arange(12, dtype=np.float32).reshape(3, 4), name="weights")
    function = traced(lambda x: {"y": x @ weights}, tf.TensorSpec([None, 3], name="x"))
    return loaded(tmp_path_factory.mktemp("product"), function, batches=(1, 2))


def run(model, inputs, outputs, arena=None, size=None):
    """The status of a call with arrays as (address, bytes)."""
    record = next(iter(model.functions.values()))._record
    ins, outs = ((_Array * max(len(x), 1))(*[_Array(*y) for y in x]) for x in (inputs, outputs))
    arena = model._arena.ctypes.data if arena is None else arena
    size = model._arena.size if size is None else size
    return record.run(ins, len(inputs), outs, len(outputs), arena, size)


def test_tables_tell_what_a_model_takes(product):
    (function,) = product.functions.values()
    assert function.inputs == {"x": ("float32", (-1, 3))}
    assert function.outputs == {"y": ("float32", (-1, 4))}
    assert product._table.abi == public.ABI
    assert product.version == "0.1.0" and product.target.startswith("x86_64-linux")


def test_wrong_calls_have_statuses(product):
    x, y = np.ones((2, 3), np.float32), np.zeros((2, 4), np.float32)
    into, out = (x.ctypes.data, x.nbytes), (y.ctypes.data, y.nbytes)
    assert run(product, [into], [out]) == 0
    np.testing.assert_allclose(y, [[12, 15, 18, 21]] * 2)
    assert run(product, [into, into], [out]) == public.COUNT
    assert run(product, [into], []) == public.COUNT
    assert run(product, [(x.ctypes.data, 12)], [out]) == public.SIZE
    assert run(product, [(x.ctypes.data, 25)], [out]) == public.SIZE
    assert run(product, [into], [(y.ctypes.data, 36)]) == public.SIZE
    assert run(product, [(x.ctypes.data, 36)], [(y.ctypes.data, 48)]) == public.BATCH
    assert run(product, [(None, 24)], [out]) == public.NULL
    assert run(product, [(x.ctypes.data + 1, 24)], [out]) == public.ALIGNED
    assert run(product, [(x.ctypes.data, (1 << 64) - 8)], [out]) != 0
    if product._arena.size:
        assert run(product, [into], [out], size=product._arena.size - 1) == public.ARENA_SIZE
        assert run(product, [into], [out], arena=product._arena.ctypes.data + 8) == public.ALIGNED


def test_failed_checks_have_messages(tmp_path):
    table = tf.Variable(np.arange(20, dtype=np.float32).reshape(10, 2))

    def function(places):
        tf.debugging.assert_less(places, 100, message="no such place")
        return tf.gather(table, places)

    model = loaded(tmp_path, traced(function, tf.TensorSpec([2], tf.int32, name="places")))
    np.testing.assert_allclose(model([1, 9])["output_0"], [[2, 3], [18, 19]])
    with pytest.raises(ModelError, match="outside") as refused:
        model([1, 10])
    assert refused.value.status > 0
    with pytest.raises(ModelError, match="no such place|outside"):
        model([1, 200])
    np.testing.assert_allclose(model([0, 0])["output_0"], [[0, 1], [0, 1]])


def trainable():
    """A step of gradient descent and a prediction over the same variables."""
    slope, offset = tf.Variable(0.0, name="slope"), tf.Variable([1.0], name="offset")

    def train(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((slope * x + offset - y) ** 2)
        for variable, gradient in zip(
            (slope, offset), tape.gradient(loss, [slope, offset]), strict=True
        ):
            variable.assign_sub(0.1 * gradient)
        return {"loss": loss}

    spec = [tf.TensorSpec([8], name="x"), tf.TensorSpec([8], name="y")]
    predict = traced(lambda x: {"y": slope * x + offset}, spec[0])
    return {"train": traced(train, *spec), "predict": predict}, (slope, offset)


def test_training_steps_change_variables_in_the_arena(tmp_path):
    functions, variables = trainable()
    model = loaded(tmp_path, functions)
    x = np.linspace(-1, 1, 8, dtype=np.float32)
    y = 3 * x - 2
    losses = [float(model.functions["train"](x, y)["loss"]) for _ in range(5)]
    wanted = [float(functions["train"](tf.constant(x), tf.constant(y))["loss"]) for _ in range(5)]
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    np.testing.assert_allclose(model.variables["slope"], variables[0].numpy(), rtol=1e-5)
    predicted = model.functions["predict"](x)["y"]
    np.testing.assert_allclose(predicted, functions["predict"](tf.constant(x))["y"], rtol=1e-5)
    model.reset()
    assert float(model.functions["train"](x, y)["loss"]) == pytest.approx(wanted[0])


def test_weights_that_another_function_assigns_are_not_packed_when_built(tmp_path):
    weights = tf.Variable(tf.zeros([128, 256]))

    def learn(w):
        weights.assign(w)
        return {"done": tf.constant(True)}

    functions = {
        "multiply": traced(lambda x: {"y": x @ weights}, tf.TensorSpec([1, 128], name="x")),
        "learn": traced(learn, tf.TensorSpec([128, 256], name="w")),
    }
    model = loaded(tmp_path, functions)
    draw = np.random.default_rng(0)
    x, new = (draw.normal(size=shape).astype("f") for shape in ((1, 128), (128, 256)))
    assert not np.any(model.functions["multiply"](x)["y"])
    model.functions["learn"](new)
    found = model.functions["multiply"](x)["y"]
    np.testing.assert_allclose(found, x @ new, rtol=1e-4, atol=1e-4)


def test_recorded_calls_leave_variables_as_they_were(tmp_path):
    functions, (slope, _) = trainable()
    built(tmp_path, functions)
    assert slope.numpy() == 0.0
    assert run_test_program(tmp_path) == "model: 2 calls agree\n"


def test_arenas_with_state_must_be_prepared(tmp_path):
    functions, _ = trainable()
    model = loaded(tmp_path, {"train": functions["train"]})
    x = np.zeros(8, np.float32)
    model._arena[:8] = 0
    with pytest.raises(ModelError) as refused:
        model(x, x)
    assert refused.value.status == public.UNPREPARED


def test_weights_of_another_size_are_refused(tmp_path):
    weights = tf.Variable(np.ones((64, 64), np.float32))
    model = loaded(
        tmp_path, traced(lambda x: x @ weights, tf.TensorSpec([1, 64], name="x")), weights=True
    )
    data = np.zeros(64, np.uint8)
    arena = model._arena
    status = model._table.prepare(arena.ctypes.data, arena.size, data.ctypes.data, data.size)
    assert status == public.SIZE


def test_addresses_run_without_a_table(tmp_path):
    function = traced(lambda x: x + 1.0, tf.TensorSpec([4], name="x"))
    built(tmp_path, function, name="plus")
    library = ctypes.CDLL(str(tmp_path / "libplus.so"))
    x, y = np.arange(4, dtype=np.float32), np.zeros(4, np.float32)
    address = ctypes.c_void_p * 1
    assert library.plus_run(address(x.ctypes.data), address(y.ctypes.data), None) == 0
    np.testing.assert_array_equal(y, x + 1)
