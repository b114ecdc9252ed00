"""Structures compared, packed and rebuilt; messages and results are TensorFlow's."""

import collections
import collections.abc

import pytest

import penstock as tf
from penstock._src.util import nest, nest_paths

Pair = collections.namedtuple("Pair", "a b")


class Kept(Pair):
    pass


class Proxy:
    """An object that claims the class of the object behind it, as wrapt's proxies do."""

    def __init__(self, wrapped):
        self.__dict__["__wrapped__"] = wrapped

    __class__ = property(lambda self: type(self.__wrapped__))

    def __getattr__(self, name):
        return getattr(self.__wrapped__, name)

    def __iter__(self):
        return iter(self.__wrapped__)

    def __len__(self):
        return len(self.__wrapped__)


class Fixed(collections.abc.Mapping):
    """A mapping that cannot be made from pairs of keys and values."""

    def __init__(self, one, two):
        self.held = {1: one, 2: two}

    def __getitem__(self, key):
        return self.held[key]

    def __iter__(self):
        return iter(self.held)

    def __len__(self):
        return len(self.held)


@pytest.mark.parametrize(
    "first, second, error, message",
    [
        ([1, [2]], [[1], 2], ValueError, 'Substructure "type=list str=.1." is a sequence'),
        ([[1], 2], [3], ValueError, 'Substructure "type=list str=.1." is a sequence'),
        ([1, 2], [3], ValueError, "don't have the same number of elements"),
        (
            Pair(1, 2),
            Kept(1, 2),
            TypeError,
            "has type Pair, while second structure .* has type Kept",
        ),
        ({"a": 1}, {"b": 1}, ValueError, "has keys type=list str=\\['a'\\], while second"),
    ],
)
def test_structures_that_differ_are_told_apart(first, second, error, message):
    with pytest.raises(error, match=message):
        tf.nest.assert_same_structure(first, second)


def test_composites_of_different_types_do_not_match():
    ragged, deeper = tf.ragged.constant([[1], []]), tf.ragged.constant([[[1]], []])
    tf.nest.assert_same_structure(ragged, ragged._type_spec, expand_composites=True)
    with pytest.raises(
        ValueError, match="Incompatible CompositeTensor TypeSpecs: type=RaggedTensorSpec"
    ):
        tf.nest.assert_same_structure(ragged, deeper, expand_composites=True)
    with pytest.raises(TypeError, match="has type RaggedTensor, while second structure"):
        tf.nest.assert_same_structure(ragged, [1, 2], expand_composites=True)
    with pytest.raises(TypeError, match="shallow structure has type <class 'list'>"):
        nest_paths.assert_shallow_structure([1], ragged, check_types=False, expand_composites=True)


def test_paths_through_a_composite_name_its_class():
    ragged = tf.ragged.constant([[1], []])
    paths = nest_paths.yield_flat_paths([ragged], expand_composites=True)
    assert list(paths) == [(0, "RaggedTensor", 0), (0, "RaggedTensor", 1)]


def test_specs_lose_the_names_of_their_tensors():
    spec = tf.TensorSpec([2], name="x")
    assert spec._without_tensor_names().name is None
    assert tf.RaggedTensorSpec([None, 2])._without_tensor_names() == tf.RaggedTensorSpec([None, 2])


def test_packing_one_leaf_wants_one_item():
    assert tf.nest.pack_sequence_as(1, [[2]]) == [2]
    with pytest.raises(
        ValueError, match="target structure is of type `<class 'int'>`(.|\n)*length 2"
    ):
        tf.nest.pack_sequence_as(1, [2, 3])
    with pytest.raises(TypeError, match="Attempted to pack value:\n  abc\ninto"):
        tf.nest.pack_sequence_as([1], "abc")


def test_proxies_are_rebuilt_as_proxies_of_what_they_stand_for():
    made = tf.nest.map_structure(lambda x: x + 1, Proxy([1, 2]))
    assert type(made) is Proxy and made.__wrapped__ == [2, 3]
    assert type(tf.nest.map_structure(lambda x: x, Proxy(Pair(1, 2)))) is Pair


def test_a_mapping_that_takes_no_pairs_cannot_be_rebuilt():
    with pytest.raises(TypeError, match="Error creating an object of type .*Fixed.* Cause: "):
        tf.nest.map_structure(lambda x: x, Fixed(1, 2))


def test_map_structure_takes_only_its_own_keywords():
    with pytest.raises(TypeError, match="func must be callable, got: x"):
        tf.nest.map_structure("x", [1])
    with pytest.raises(ValueError, match="not: `depth`"):
        tf.nest.map_structure(abs, [1], depth=2)


def test_strict_named_tuples_are_no_subclasses():
    assert nest.is_namedtuple(Kept(1, 2)) and not nest.is_namedtuple(Kept(1, 2), strict=True)
    assert nest.is_namedtuple(Pair(1, 2), strict=True)
    other = collections.namedtuple("Pair", "a b")
    assert nest.same_namedtuples(Pair(1, 2), other(3, 4))
    assert not nest.same_namedtuples(Pair(1, 2), Kept(1, 2))
    with pytest.raises(RuntimeError, match="_fields"):
        nest.same_namedtuples(Pair(1, 2), (1, 2))
