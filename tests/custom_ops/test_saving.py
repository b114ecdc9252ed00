"""Ops in SavedModels, and libraries of ops."""

import sys

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.op import OPS

MODULE = """
import penstock as tf

@tf.op
def double(x):
    return x * 2.0

@tf.op(kind="numpy", shape="x", gradient=lambda x, _y, dy, *, power: dy * power * x)
def raised(x, *, power: int = 2):
    return x ** power

@tf.op(kind="primitives")
def exponential(p, x):
    return p.exp(x)
"""
X = np.float32([[1.0, 2.0]])


@pytest.fixture
def library(tmp_path, monkeypatch):
    """The path of a module of ops that this process forgets afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shelf.py").write_text(MODULE)
    yield tmp_path / "shelf.py"
    forget()


def forget():
    sys.modules.pop("shelf", None)
    for name in [name for name in OPS if name.startswith("Shelf>")]:
        del OPS[name]


def test_a_library_is_a_namespace_of_ops(library):
    ops = tf.load_op_library(str(library))
    assert ops.OP_LIST == ["Shelf>Double", "Shelf>Exponential", "Shelf>Raised"]
    assert float(ops.raised(3.0)) == 9.0 and not hasattr(ops, "tf")
    assert tf.load_op_library(library).raised is ops.raised


def test_all_libraries_of_a_folder(library):
    tf.load_library(str(library.parent))
    assert "Shelf>Raised" in OPS


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.py", None, "no such file"),
        ("none.so", None, "no such file"),
        ("ops.so", "", "libraries of compiled ops"),
        ("empty.py", "x = 1", "defines no op"),
        ("json.py", "", "another module called 'json'"),
    ],
)
def test_what_is_no_library(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises((tf.errors.NotFoundError, tf.errors.InvalidArgumentError), match=said):
        tf.load_op_library(tmp_path / name)


def test_a_missing_library_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"does not exist: .*none\.so"):
        tf.load_library(tmp_path / "none.so")


def saved(library, function):
    module = tf.Module()
    module.f = tf.function(function, input_signature=[tf.TensorSpec([None, 2])])
    tf.saved_model.save(module, str(library.parent / "model"))
    return str(library.parent / "model")


def test_ops_of_tensors_load_without_their_module(library):
    ops = tf.load_op_library(library)
    path = saved(library, lambda x: ops.double(x))
    forget()
    np.testing.assert_array_equal(tf.saved_model.load(path).f(X), X * 2)
    assert "shelf" not in sys.modules


@pytest.mark.parametrize("allow", [(), ("python",)], ids=["imported", "allowed"])
def test_other_ops_load_with_their_module(library, allow):
    ops = tf.load_op_library(library)
    path = saved(library, lambda x: ops.raised(x, power=3) + ops.exponential(x))
    forget()
    with pytest.raises(tf.errors.PermissionDeniedError, match="Shelf>.*'shelf'.* Import it before"):
        tf.saved_model.load(path)
    assert "shelf" not in sys.modules
    if not allow:
        tf.load_op_library(library)
    loaded = tf.saved_model.load(path, allow=allow)
    np.testing.assert_allclose(loaded.f(X), X**3 + np.exp(X), rtol=1e-6)


def test_gradients_of_loaded_ops(library):
    ops = tf.load_op_library(library)
    loaded = tf.saved_model.load(saved(library, lambda x: ops.raised(x, power=3)))
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = loaded.f(x)
    np.testing.assert_array_equal(tape.gradient(y, x), 3 * X)


def test_a_module_that_is_gone(library):
    ops = tf.load_op_library(library)
    path = saved(library, lambda x: ops.raised(x))
    forget()
    library.unlink()
    with pytest.raises(tf.errors.UnimplementedError, match="'shelf'.* cannot be imported"):
        tf.saved_model.load(path, allow=["python"])


def test_a_keras_file_with_an_op_as_activation(library):
    ops = tf.load_op_library(library)
    model = tf.keras.Sequential(
        [tf.keras.Input((2,)), tf.keras.layers.Dense(3, activation=ops.double)]
    )
    path = library.parent / "model.keras"
    model.save(path)
    loaded = tf.keras.models.load_model(path, custom_objects={"double": ops.double})
    np.testing.assert_array_equal(loaded(X), model(X))
