"""What cannot be built is named."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.aot.build import BuildOptions, build
from tests.aot.kit import traced


def test_strings_are_refused():
    function = traced(lambda s: tf.strings.length(s), tf.TensorSpec([2], tf.string, name="s"))
    with pytest.raises(tf.errors.UnimplementedError, match="input 's' has type string"):
        build({"f": function}, "model")


def test_operations_of_the_host_are_named():
    def function(x):
        return tf.strings.to_number(tf.strings.as_string(x))

    with pytest.raises(tf.errors.UnimplementedError, match="AsString"):
        build({"f": traced(function, tf.TensorSpec([2], name="x"))}, "model")


def test_tables_are_named():
    keys, values = tf.constant([1, 2], tf.int64), tf.constant([3.0, 4.0])
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), 0.0)
    function = traced(table.lookup, tf.TensorSpec([2], tf.int64, name="key"))
    with pytest.raises(tf.errors.UnimplementedError, match="LookupTableFind"):
        build({"f": function}, "model")


def test_random_numbers_are_refused():
    function = traced(lambda x: x + tf.random.normal([3]), tf.TensorSpec([3], name="x"))
    with pytest.raises(tf.errors.UnimplementedError, match="random"):
        build({"f": function}, "model")


def test_sizes_that_depend_on_data_are_refused():
    function = traced(lambda x: tf.boolean_mask(x, x > 0), tf.TensorSpec([5], name="x"))
    with pytest.raises(tf.errors.UnimplementedError, match="data-dependent size"):
        build({"f": function}, "model")


def test_open_shapes_are_asked_for():
    function = traced(lambda x: x * 2, tf.TensorSpec([None, None, 3], name="image"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="--shape image="):
        build({"f": function}, "model")
    made = build({"f": function}, "model", BuildOptions(shapes={"image": [1, 5, 3]}))
    assert made.lowered[0].inputs[0].shape == (1, 5, 3)


@pytest.mark.parametrize("name", ["2nd", "a-b", "double", ""])
def test_names_are_identifiers(name):
    function = traced(lambda x: x * 2, tf.TensorSpec([3], name="x"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="identifier"):
        build({"f": function}, name)


@pytest.mark.parametrize("target", ["sparc-linux", "x86_64-plan9x", "aarch64-none"])
def test_unknown_targets_are_refused(target):
    function = traced(lambda x: x * 2, tf.TensorSpec([3], name="x"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="--target"):
        build({"f": function}, "model", BuildOptions(target=target))


MAGIC = {
    "x86_64-linux": b"\x7fELF\x02", "aarch64-linux": b"\x7fELF\x02", "armv7-linux": b"\x7fELF\x01",
    "riscv64-linux": b"\x7fELF\x02", "thumbv7em-none-eabihf": b"\x7fELF\x01", "wasm32": b"\0asm",
    "x86_64-windows": b"\x64\x86", "aarch64-macos": b"\xcf\xfa\xed\xfe", "x86_64-macos": b"\xcf\xfa\xed\xfe",
}  # fmt: skip


@pytest.mark.parametrize("target", MAGIC)
def test_every_target_has_objects(target):
    weights = tf.Variable(np.ones((64, 96), np.float32))
    spec = tf.TensorSpec([4, 64], name="x")
    function = traced(lambda x: tf.nn.softmax(tf.nn.gelu(x @ weights)), spec)
    made = build({"f": function}, "model", BuildOptions(target=target))
    assert made.objects.model.startswith(MAGIC[target])
    assert not [called for called in made.objects.calls if not called.startswith("__aeabi_")]
