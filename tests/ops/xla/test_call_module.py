"""StableHLO modules, recorded from JAX by record_modules.py, compute what JAX computes."""

import pathlib

import numpy as np
import pytest

import penstock as tf
from penstock import raw_ops
from penstock._src.ir.immediate import ImmediateBuilder
from penstock._src.ops.xla.translation.translate import Translation
from penstock._src.stablehlo.bytecode.reader import read_module

RECORDED = dict(np.load(pathlib.Path(__file__).with_name("modules.npz")))
NAMES = sorted({key.split("/")[0] for key in RECORDED})
# What rounds more than the last bits: it is computed in another order, or by another algorithm.
LOOSE = {"decompositions": 1e-4, "fourier": 1e-5, "cholesky and solutions": 1e-4}


def values(name, kind):
    count = sum(key.startswith(f"{name}/{kind}") for key in RECORDED)
    return [RECORDED[f"{name}/{kind}{i}"] for i in range(count)]


def call(name, arguments, **attrs):
    results = values(name, "out")
    return raw_ops.XlaCallModule(
        args=list(arguments),
        module=RECORDED[f"{name}/module"].tobytes(),
        **{
            "Sout": [tf.TensorShape(None)] * len(results),
            "Tout": [tf.as_dtype(value.dtype) for value in results],
            "version": 10,
            "platforms": ["CPU"],
            **attrs,
        },
    )


def check(name, found):
    loose = LOOSE.get(name, 2e-6)
    for got, expected in zip(found, values(name, "out"), strict=True):
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        scale = np.nanmax(np.abs(expected[np.isfinite(expected)]), initial=1.0)
        np.testing.assert_allclose(got, expected, rtol=loose, atol=loose * scale)


@pytest.mark.parametrize("name", NAMES)
def test_on_the_host(name):
    p = ImmediateBuilder()
    arguments = [p.known_array(v, tf.as_dtype(v.dtype)) for v in values(name, "in")]
    module = read_module(RECORDED[f"{name}/module"].tobytes())
    check(name, [p.value(node) for node in Translation(module, p).main(arguments)])


@pytest.mark.parametrize("name", ["reductions", "decompositions"])
def test_eagerly(name):
    check(name, call(name, values(name, "in")))


@pytest.mark.parametrize("name", NAMES)
def test_compiled(name):
    function = tf.function(lambda *arguments: call(name, arguments), autograph=False)
    check(name, function(*map(tf.constant, values(name, "in"))))


@pytest.mark.parametrize("name", ["loops", "sorts", "gathers", "scatters", "pooling", "random"])
def test_stays_off_the_host(name):
    function = tf.function(lambda *arguments: call(name, arguments), autograph=False)
    assert "host " not in function.explain(*map(tf.constant, values(name, "in")))


def test_symbolic_dimensions_take_any_size():
    specs = [tf.TensorSpec([None, 4])]
    function = tf.function(lambda x: call("any batch", [x]), input_signature=specs)
    for size in (5, 2, 9):
        x = np.arange(size * 4, dtype=np.float32).reshape(size, 4)
        soft, total, running = function(x)
        np.testing.assert_allclose(soft, np.ravel(tf.nn.softmax(x)), rtol=1e-6)
        assert total.numpy() == x[: size // 2].sum() + size
        np.testing.assert_array_equal(running, np.cumsum(x, 0))


def test_a_symbolic_dimension_that_does_not_fit():
    with pytest.raises(tf.errors.InvalidArgumentError, match="polymorphic shapes specification"):
        call("an even batch", [np.ones((5, 4), np.float32)])


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "compiled"])
def test_arguments_of_other_types_are_refused(wrap):
    with pytest.raises(tf.errors.InvalidArgumentError, match="made for float32 shape"):
        wrap(lambda x: call("floats", [x]))(tf.ones([5, 3]))


def test_platforms_and_versions():
    x = values("floats", "in")
    with pytest.raises(tf.errors.NotFoundError, match="CPU is not among the platforms"):
        call("floats", x, platforms=["CUDA"])
    check("floats", call("floats", x, platforms=["CUDA"], disabled_checks=["platform"]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="version"):
        call("floats", x, version=11)


def test_saved_and_loaded(tmp_path):
    module = tf.Module()
    module.call = tf.function(
        lambda x: call("any batch", [x]), input_signature=[tf.TensorSpec([None, 4])]
    )
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    check("any batch", loaded.call(tf.constant(values("any batch", "in")[0])))


def test_bytes_that_are_no_module():
    with pytest.raises(tf.errors.InvalidArgumentError, match="MLIR bytecode"):
        raw_ops.XlaCallModule(args=[], version=10, module=b"nothing", Sout=[[]], Tout=[tf.int32])


@pytest.mark.parametrize(
    "types", [[tf.float32], [tf.float32] * 4, [tf.float32, tf.int32, tf.float32]]
)
def test_results_have_the_declared_types(types):
    attrs = {"Tout": types, "Sout": [tf.TensorShape(None)] * len(types)}
    arguments = values("any batch", "in")
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected results of types"):
        call("any batch", arguments, **attrs)
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected results of types"):
        tf.function(lambda: call("any batch", arguments, **attrs))()
