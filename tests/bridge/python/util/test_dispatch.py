"""Functions that take over public functions: what is accepted and refused. As in TensorFlow 2.21."""

import pytest

import penstock as tf
from penstock._src.bridge.python.util import dispatch


class Money(tf.experimental.ExtensionType):
    cents: tf.Tensor


@pytest.fixture
def registered():
    made = []

    def register(api, *signatures):
        def decorate(function):
            made.append(tf.experimental.dispatch_for_api(api, *signatures)(function))
            return function

        return decorate

    yield register
    for function in made:
        tf.experimental.unregister_dispatch_for(function)


def test_any_arguments_and_defaults_are_taken(registered):
    @registered(tf.reduce_sum, {"input_tensor": Money, "axis": int | None})
    def total(*args, **kwargs):
        return len(args), kwargs

    money = Money(tf.constant(1))
    assert tf.reduce_sum(money) == (1, {}) and tf.reduce_sum(money, axis=1) == (1, {"axis": 1})
    assert total in [t for _, t in tf.reduce_sum._dispatch_targets]
    assert dispatch.type_based_dispatch_signatures_for(Money)[tf.reduce_sum]


def test_a_name_that_the_function_lacks_is_a_scope(registered):
    @registered(tf.subtract, {"x": Money})
    def minus(x, y):
        return x.cents - y

    with tf.Graph().as_default():
        money = Money(tf.constant(3))
        assert tf.subtract(money, 1, "less").name.startswith("less/")
        assert tf.subtract(money, 1, name="more").name.startswith("more/")
    assert tf.subtract(Money(tf.constant(3)), 1, None).numpy() == 2


@pytest.mark.parametrize(
    ("signature", "kind", "message"),
    [
        ({"z": Money}, ValueError, "unknown parameter 'z'"),
        ({5: Money}, ValueError, "unknown parameter 5"),
        ([Money], TypeError, "must be dictionaries"),
        ({None: Money}, TypeError, "must be dictionaries"),
        ({"x": tuple[Money]}, ValueError, "not currently supported by dispatch"),
    ],
)
def test_refused_signatures(signature, kind, message):
    with pytest.raises(kind, match=message):
        tf.experimental.dispatch_for_api(tf.add, signature)
    with pytest.raises(ValueError, match="does not support dispatch"):
        tf.experimental.dispatch_for_api(len, {"x": Money})
    with pytest.raises(TypeError, match="to be callable"):
        tf.experimental.dispatch_for_api(tf.add, {"x": Money})("text")


def test_handlers_of_a_type_are_registered_once():
    handler = tf.experimental.dispatch_for_unary_elementwise_apis(Money)(lambda api, x: 1)
    with pytest.raises(ValueError, match="already been registered"):
        tf.experimental.dispatch_for_unary_elementwise_apis(Money)(lambda api, x: 2)
    tf.experimental.unregister_dispatch_for(handler)


def test_implementations_by_type():
    @tf.__internal__.dispatch.add_dispatch_support
    def scaled(x, by, twice=False):
        return tf.convert_to_tensor(x) * by

    @dispatch.dispatch_for_types(scaled, Money)
    def scaled_money(x, by):
        return "money"

    assert scaled(Money(tf.constant(1)), 2) == "money"
    with pytest.raises(AssertionError, match="non-default value"):
        scaled(Money(tf.constant(1)), 2, twice=True)
    with pytest.raises(AssertionError, match="identical"):
        dispatch.dispatch_for_types(scaled, Money)(lambda y, by: 1)
    with pytest.raises(AssertionError, match="not enabled"):
        dispatch.dispatch_for_types(lambda x: x, Money)


def test_iterables_are_read_once():
    class Masked(tf.experimental.ExtensionType):
        values: tf.Tensor

    @tf.experimental.dispatch_for_api(tf.add_n)
    def add_masked(inputs: list[Masked]):
        return Masked(tf.add_n([x.values for x in inputs]))

    try:
        assert tf.add_n(Masked([i]) for i in range(3)).values.numpy() == [3]
    finally:
        tf.experimental.unregister_dispatch_for(add_masked)


def test_ragged_tensors_are_added_from_a_generator():
    rows = tf.ragged.constant([[1], [2, 3]])
    assert tf.add_n(rows for _ in range(2)).to_list() == [[2], [4, 6]]


class Symbol:
    """What stands for a tensor that is not there yet, as in Keras 2."""


INDEXING = {
    "getitem": lambda: tf.__operators__.getitem,
    "ragged_getitem": lambda: tf.__operators__.ragged_getitem,
    "boolean_mask": lambda: tf.boolean_mask,
    "boolean_mask of TensorFlow 1": lambda: tf.compat.v1.boolean_mask,
    "from_row_splits": lambda: tf.RaggedTensor.from_row_splits,
    "from_tensor": lambda: tf.RaggedTensor.from_tensor,
}


@pytest.mark.parametrize("name", INDEXING)
def test_indexing_and_ragged_constructors_dispatch(name):
    symbol, seen = Symbol(), []

    class Dispatcher(tf.__internal__.dispatch.OpDispatcher):
        def handle(self, args, kwargs):
            if not any(value is symbol for value in args):
                return self.NOT_SUPPORTED
            seen.append(name)
            return "dispatched"

    op = INDEXING[name]()
    Dispatcher().register(op)
    assert op(symbol, [0, 1]) == "dispatched" and seen == [name]


def test_comparisons_and_subscripts_are_taken_over(registered):
    @registered(tf.__operators__.eq, {"self": Money, "other": Money})
    def equal(self, other):
        return self.cents == other.cents

    assert bool(tf.__operators__.eq(Money(1), Money(1)))
    assert bool(tf.constant(1) == 1)

    class Symbol:
        shape, dtype = tf.TensorShape([4]), tf.float32

    seen = []

    class Watch(dispatch.dispatch.GlobalOpDispatcher):
        def handle(self, op, args, kwargs):
            seen.append((op.__name__, args[1:], kwargs))
            return "taken"

    watch = Watch()
    watch.register()
    try:
        assert tf.Tensor.__getitem__(Symbol(), 0) == "taken"
    finally:
        dispatch._GLOBAL_DISPATCHERS.remove(watch)
    assert seen == [("get_item", (0,), {})]


def test_checkers_of_types_are_kept_and_lists_are_documented():
    checker = dispatch.make_type_checker(Money)
    assert checker is dispatch.make_type_checker(Money)
    assert checker.Check(Money(1)) and not checker.Check(1)
    dispatch.update_docstrings_with_api_lists()
    dispatch.update_docstrings_with_api_lists()
    text = tf.experimental.dispatch_for_api.__doc__
    assert text.count("* `tf.concat(values, axis, name)`") == 1
    unary = tf.experimental.dispatch_for_unary_elementwise_apis.__doc__
    assert "* `tf.math.abs(x, name)`" in unary
