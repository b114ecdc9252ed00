"""Containers that track tell of the variables and layers in them, as Keras 2 asks, and keep their form."""

import collections
import copy
import pickle

import pytest

import penstock as tf


def names(variables):
    return [v.name for v in variables]


def test_variables_of_containers():
    held = tf.Module()
    held.parts = [
        tf.Variable(1.0, name="x"),
        tf.Variable(2.0, trainable=False, name="y"),
        {"k": tf.Variable(3.0, name="z")},
    ]
    parts = held.parts
    assert parts.trainable and parts.losses == [] and parts.layers == []
    assert names(parts.trainable_weights) == ["z:0", "x:0"]
    assert names(parts.non_trainable_variables) == ["y:0"]
    assert names(parts.variables) == ["z:0", "x:0", "y:0"]
    parts.trainable = False
    assert parts.trainable_weights == []
    assert names(parts.non_trainable_weights) == ["z:0", "x:0", "y:0"]


def test_layers_of_containers():
    class Layer(tf.Module):
        _is_layer = True
        trainable_weights = non_trainable_weights = ()
        losses = (1.0,)

    held = tf.Module()
    held.parts = [Layer(), [Layer(), tf.Module()], tf.Module()]
    assert len(held.parts.layers) == 2 and held.parts.losses == [1.0, 1.0]


Pair = collections.namedtuple("Pair", "first second")


def module_with_containers():
    held = tf.Module()
    held.pair = Pair([tf.Variable(1.0)], 2)
    held.both = (tf.Variable(3.0), {"k": 4})
    held.ordered = collections.OrderedDict(b=tf.Variable(5.0), a=[6])
    return held


def test_checkpoints_name_fields_and_keys_of_ordered_dicts(tmp_path):
    path = tf.train.Checkpoint(m=module_with_containers()).write(str(tmp_path / "c"))
    suffix = "/.ATTRIBUTES/VARIABLE_VALUE"
    found = [n.removesuffix(suffix) for n, _ in tf.train.list_variables(path) if suffix in n]
    assert sorted(found) == ["m/both/0", "m/ordered/b", "m/pair/first/0"]


def test_saved_models_hold_named_tuples_as_tuples(tmp_path):
    tf.saved_model.save(module_with_containers(), str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    assert loaded.pair[0][0].numpy() == 1.0 and loaded.both[0].numpy() == 3.0
    assert loaded.ordered["b"].numpy() == 5.0


def test_a_tracked_tuple_has_the_structure_of_the_plain_one():
    held = module_with_containers()
    assert held.both.__class__ is tuple and held.pair.__class__ is Pair
    for tracked, plain in ((held.both, (1, {"k": 2})), (held.pair, Pair([1], 2))):
        tf.nest.assert_same_structure(tracked, plain)
        tf.nest.assert_same_structure(plain, tracked)
    with pytest.raises(TypeError):
        tf.nest.assert_same_structure(held.both, [1, {"k": 2}])
    assert type(held.pair._replace(second=1)) is Pair
    assert repr((held.both,)).startswith("(_TupleWrapper((<tf.Variable")


def test_copies_of_tracked_containers():
    held = tf.Module()
    held.pair, held.ordered = Pair([1], {"k": 2}), collections.OrderedDict(b=1, a=[2])
    for made in (copy.copy(held.pair), copy.deepcopy(held.pair)):
        assert made == held.pair and type(made) is type(held.pair)
    assert type(pickle.loads(pickle.dumps(held.pair))) is Pair
    assert list(copy.deepcopy(held.ordered)) == ["b", "a"]


def test_a_tracked_ordered_dict_keeps_its_order():
    held = tf.Module()
    held.ordered = ordered = collections.OrderedDict(b=1, a=[2])
    held.ordered["c"] = [tf.Variable(3.0)]
    held.ordered.move_to_end("b")
    assert (
        list(held.ordered) == list(ordered) == ["a", "c", "b"]
    )  # the wrapper shows the user's own dict
    assert isinstance(held.ordered, collections.OrderedDict) and len(held.ordered["c"].weights) == 1
    assert repr(held.ordered).startswith("DictWrapper(OrderedDict(")
    assert held.ordered.popitem() == ("b", 1)


def test_dependencies_by_the_names_that_libraries_read():
    held = tf.Module()
    held.v = tf.Variable(1.0)
    assert [n for n, _ in held._unconditional_checkpoint_dependencies] == ["v"]
    assert held._unconditional_dependency_names == {"v": held.v}


def test_proxies_of_tuples_are_tracked():
    class Proxy:
        """Stands for a tuple, as wrapt's proxies do."""

        __class__ = property(lambda self: Pair)
        __wrapped__ = Pair([1], 2)

        def __iter__(self):
            return iter(self.__wrapped__)

    held = tf.Module()
    held.pair = Proxy()
    assert held.pair == Pair([1], 2) and held.pair.__class__ is Pair


def test_tuples_of_classes_with_attributes_are_tracked():
    class Named(collections.namedtuple("Named", "first")):
        pass

    plain = Named([tf.Variable(1.0)])
    plain.note = "kept"
    held = tf.Module()
    held.named = plain
    assert held.named.first.weights and held.named.note == "kept"
    assert held.named.__class__ is Named and len(held.variables) == 1


@pytest.mark.parametrize("add", [lambda m, v: m.list.append(v), lambda m, v: m.dict.update(a=v)])
def test_elements_of_another_shape_than_was_saved_are_not_restored(add, tmp_path, caplog):
    saved = tf.Module()
    saved.list, saved.dict = [tf.Variable([1.0, 2.0])], {"a": tf.Variable([1.0, 2.0])}
    path = tf.train.Checkpoint(module=saved).save(str(tmp_path / "c"))
    for shape, expected in ([2], [1.0, 2.0]), ([2, 2], [[0.0, 0.0], [0.0, 0.0]]):
        module = tf.Module()
        module.list, module.dict = [], {}
        tf.train.Checkpoint(module=module).restore(path)
        variable = tf.Variable(tf.zeros(shape))
        add(module, variable)
        assert variable.numpy().tolist() == expected
    assert "is not restored. Received incompatible tensor with shape (2,)" in caplog.text


def test_optimizers_and_models_are_restored_before_they_are_built(tmp_path):
    keras = tf.keras

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2, kernel_initializer="ones")

        def call(self, x):
            return self.dense(x)

    x, y = tf.constant([[1.0, 2.0], [3.0, -1.0]]), tf.constant([[0.0, 1.0], [5.0, 0.0]])

    def steps(net, optimizer):
        losses = []
        for _ in range(3):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((net(x) - y) ** 2)
            variables = net.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            losses.append(round(float(loss), 4))
        return losses

    def new():
        optimizer, net = keras.optimizers.Adam(0.1), Net()
        return optimizer, net, tf.train.Checkpoint(optimizer=optimizer, net=net)

    optimizer, net, checkpoint = new()
    assert steps(net, optimizer) == [6.5, 5.155, 4.0079]
    path = checkpoint.save(str(tmp_path / "c"))
    optimizer, net, checkpoint = new()
    checkpoint.restore(path)
    # TensorFlow 2.21's: Keras then has the kernel twice, the second without slots
    assert steps(net, optimizer) == [5.9643, 5.2009, 4.3584]
    assert len(optimizer.variables) == 8
