"""Private modules of the input pipeline."""

import dataclasses

import pytest

import penstock as tf
from penstock._src.bridge.names import private_modules

nest = private_modules.build("python.data.util.nest", "nest")
structure = private_modules.build("python.data.util.structure", "structure")
dataset_ops = private_modules.build("python.data.ops.dataset_ops", "dataset_ops")


def test_lists_are_leaves():
    assert nest.flatten(([1, 2], {"b": 3, "a": (4,)})) == [[1, 2], 4, 3]
    assert nest.map_structure(len, ([1, 2], (3,), "ab")[:1]) == (2,)
    with pytest.raises(ValueError, match="don't have the same nested structure"):
        nest.assert_same_structure((0, 1), [0, 1])
    with pytest.raises(TypeError, match="don't have the same sequence type"):
        nest.assert_shallow_structure({"a": 1}, (1,))
    assert nest.flatten_up_to((0, 0), ((1, 2), 3)) == [(1, 2), 3]


@dataclasses.dataclass
class Masked:
    mask: bool
    value: object

    def __tf_flatten__(self):
        return (self.mask,), (self.value,)

    def __tf_unflatten__(self, metadata, components):
        return Masked(metadata[0], components[0])


def test_dataclasses_flatten_themselves():
    assert nest.map_structure(lambda x: x + 1, Masked(True, 1)) == Masked(True, 2)
    (element,) = tf.data.Dataset.from_tensors(Masked(True, 1))
    assert element.mask and int(element.value) == 1


def test_elements_become_lists_of_tensors():
    spec = structure.type_spec_from_value((1, tf.ragged.constant([[1], []])))
    tensors = structure.to_tensor_list(spec, (2, tf.ragged.constant([[3], []])))
    first, second = structure.from_tensor_list(spec, tensors)
    assert int(first) == 2 and second.to_list() == [[3], []]
    assert structure.are_compatible(spec, spec) and not structure.are_compatible(spec, spec[0])
    with pytest.raises(ValueError, match="Expected 2 tensors but got 1"):
        structure.from_tensor_list(spec, tensors[:1])


def test_users_define_datasets():
    class Same(dataset_ops.UnaryUnchangedStructureDataset):
        def __init__(self, source):
            variant = tf.raw_ops.TakeDataset(
                input_dataset=source._variant_tensor, count=2, **source._flat_structure
            )
            super().__init__(source, variant)

    assert list(Same(tf.data.Dataset.range(5)).as_numpy_iterator()) == [0, 1]
