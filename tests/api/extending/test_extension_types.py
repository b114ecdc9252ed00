"""Extension types: constructors, fields, specs, batching, and fields packed in a variant."""

import inspect
import pickle
import typing

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.extending.extension_type import is_packed, pack, unpack


class Masked(tf.experimental.BatchableExtensionType):
    __name__ = "penstock.tests.Masked"

    values: tf.Tensor
    mask: tf.Tensor


class Named(tf.experimental.ExtensionType):
    name: str = "a"
    parts: tuple[tf.Tensor, ...] = ()
    table: typing.Mapping[str, int]


def test_constructors_have_the_fields_as_parameters():
    kinds = {n: p.kind.name for n, p in inspect.signature(Named.__init__).parameters.items()}
    assert kinds["parts"] == "POSITIONAL_OR_KEYWORD" and kinds["table"] == "KEYWORD_ONLY"
    assert inspect.signature(Masked.__init__).parameters["mask"].annotation is tf.Tensor
    with pytest.raises(TypeError, match="missing a required argument: 'mask'"):
        Masked([1])


def test_values_are_converted_and_checked_by_their_annotations():
    named = Named(parts=[1, [2.0]], table={"x": 1})
    assert [part.dtype for part in named.parts] == [tf.int32, tf.float32]
    with pytest.raises(TypeError, match=r"table\['x'\]: expected 'int', got 'str'"):
        Named(table={"x": "y"})
    with pytest.raises(TypeError):
        named.table["x"] = 2


@pytest.mark.parametrize("annotation", [list, set[int], typing.Mapping[tf.Tensor, int]])
def test_other_annotations_are_refused(annotation):
    with pytest.raises(TypeError, match="In field 'x'"):
        type("T", (tf.experimental.ExtensionType,), {"__annotations__": {"x": annotation}})


def test_attributes_without_annotation_are_refused():
    with pytest.raises(ValueError, match="x is missing a type annotation"):
        type("T", (tf.experimental.ExtensionType,), {"x": 1})


def test_nothing_is_assigned_after_construction():
    masked = Masked([1], [True])
    with pytest.raises(AttributeError, match="Cannot mutate attribute `values`"):
        masked.values = [2]
    with pytest.raises(AttributeError, match="Cannot mutate attribute `other`"):
        masked._type_spec.other = 1


def test_equality_compares_shapes_and_elements():
    masked = Masked([1, 2], [True, False])
    assert bool(masked == Masked([1, 2], [True, False]))
    assert not bool(masked == Masked([1, 3], [True, False]))
    assert not bool(masked == Masked([1], [True]))


def test_specs_are_pickled_and_made_of_specs():
    spec = Masked([1], [True])._type_spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(TypeError, match="values: expected a TensorSpec"):
        Masked.Spec(values=1, mask=tf.TensorSpec([]))


def test_datasets_use_the_encoder_of_the_class():
    class Halves(tf.experimental.ExtensionTypeBatchEncoder):
        def encode(self, spec, value, minimum_rank=0):
            return (value.x / 2.0,)

        def decode(self, spec, encoded_value):
            return Number(encoded_value[0] * 2.0)

    class Number(tf.experimental.BatchableExtensionType):
        x: tf.Tensor
        seen = None
        __annotations__ = {"x": tf.Tensor, "seen": type(None)}
        __batch_encoder__ = Halves()

    rows = tf.data.Dataset.from_tensors(Number(3.0)).repeat(2).batch(2)
    assert next(iter(rows)).x.numpy().tolist() == [3.0, 3.0]


def test_map_fn_takes_rows_apart():
    masked = Masked([[1, 2], [3, 4]], [[True, False], [True, True]])
    sums = tf.map_fn(lambda row: tf.reduce_sum(row.values), masked, fn_output_signature=tf.int32)
    assert sums.numpy().tolist() == [3, 7]


def test_packed_fields_are_one_variant_that_functions_pass_on():
    packed = pack(Masked([1.0, 2.0], [True, False]))
    assert (
        is_packed(packed) and tf.nest.flatten(packed, expand_composites=True)[0].dtype == tf.variant
    )
    twice = tf.function(lambda x: pack(Masked(x.values * 2, x.mask)))(packed)
    np.testing.assert_array_equal(unpack(twice).values, [2.0, 4.0])
    assert twice.mask.numpy().tolist() == [True, False]


def test_only_classes_with_a_name_are_packed():
    with pytest.raises(ValueError, match="__name__"):
        pack(Named(table={}))


def test_fields_may_be_variables():
    class Counted(tf.experimental.ExtensionType):
        count: tf.Variable

    held = Counted(tf.Variable([1.0, 2.0]))
    held.count.assign_add([1.0, 1.0])
    assert held.count.numpy().tolist() == [2.0, 3.0]
    with pytest.raises(TypeError, match="count: expected"):
        Counted(3.0)


def test_values_compared_by_their_fields_have_no_hash():
    class Count(tf.experimental.ExtensionType):
        number: int

    assert Count(3) == Count(3)
    with pytest.raises(TypeError, match="unhashable type: 'Count'"):
        hash(Count(3))
