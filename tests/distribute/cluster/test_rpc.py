"""Functions that another process calls by RpcService: eagerly, in functions, and what fails."""

import gc
import socket

import numpy as np
import pytest

import penstock as tf

rpc = tf.distribute.experimental.rpc
INTEGER, FLOAT = tf.TensorSpec([], tf.int32), tf.TensorSpec([])


def free_address():
    with socket.create_server(("", 0)) as listener:
        return f"localhost:{listener.getsockname()[1]}"


@tf.function(input_signature=[INTEGER, INTEGER])
def add(a, b):
    return a + b


@tf.function(input_signature=[FLOAT])
def positive(x):
    tf.debugging.assert_greater(x, 0.0, "must be positive")
    return x


@pytest.fixture(scope="module")
def client():
    total = tf.Variable(1.0)

    @tf.function(input_signature=[FLOAT])
    def increment(x):
        total.assign_add(x)
        return {"total": total.read_value(), "words": [tf.strings.as_string(x), x * 2.0]}

    @tf.function(input_signature=[])
    def reset():
        total.assign(0.0)

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.float32)])
    def lengths(rows):
        return rows.row_lengths(), rows * 2.0

    address = free_address()
    server = rpc.Server.create("grpc", address)
    functions = {"add": add, "positive": positive, "increment": increment, "reset": reset}
    for name, function in {**functions, "lengths": lengths}.items():
        server.register(name, function)
    server.register("concrete", add.get_concrete_function())
    with pytest.raises(ValueError, match="Only TF functions"):
        server.register("python", lambda x: x)
    with pytest.raises(ValueError, match="Input signature not specified"):
        server.register("open", tf.function(lambda x: x))
    with pytest.raises(tf.errors.InvalidArgumentError, match="add is already registered"):
        server.register("add", add)
    server.start()
    with pytest.raises(tf.errors.FailedPreconditionError, match="before starting"):
        server.register("late", add)
    made = rpc.Client.create("grpc", address, "test")
    made.server = server
    return made


def test_functions_are_methods(client):
    result = client.add(tf.constant(1), tf.constant(2))
    assert result.is_ok() and result.get_value().numpy() == 3
    code, message = result.get_error()
    assert (code.numpy(), message.numpy()) == (0, b"")
    assert client.add_blocking(1, 2).numpy() == 3
    assert client.concrete(2, 2).get_value().numpy() == 4
    value = client.increment(tf.constant(2.0)).get_value()
    assert value["total"].numpy() == 3 and value["words"][1].numpy() == 4
    assert value["words"][0].numpy() == b"2.000000"
    assert client.reset().get_value() is None
    counts, doubled = client.lengths(tf.ragged.constant([[1.0], [2.0, 3.0]])).get_value()
    assert counts.numpy().tolist() == [1, 2] and doubled.to_list() == [[2.0], [4.0, 6.0]]


def test_calls_by_name(client):
    arguments = [tf.constant(1), tf.constant(2)]
    assert client.call("add", arguments, output_specs=INTEGER).get_value().numpy() == 3
    with pytest.raises(tf.errors.InvalidArgumentError, match="expect float32"):
        client.call("add", arguments, output_specs=FLOAT).get_value()
    with pytest.raises(tf.errors.InvalidArgumentError, match="number of output types"):
        client.call("add", arguments).get_value()
    with pytest.raises(tf.errors.InvalidArgumentError, match="add takes 2 tensors. Received 1"):
        client.call("add", arguments[:1], output_specs=INTEGER).get_value()
    with pytest.raises(tf.errors.InvalidArgumentError, match="argument 0 must be int32"):
        client.call("add", [1.0, 2.0], output_specs=INTEGER).get_value()
    with pytest.raises(ValueError, match="nested structure"):
        client.add(1, 2, 3)


def test_calls_in_functions(client):
    @tf.function
    def twice(a, b):
        result = client.call("add", [a, b], output_specs=INTEGER)
        if result.is_ok():
            return result.get_value() * 2
        return tf.constant(-1)

    assert twice(tf.constant(1), tf.constant(2)).numpy() == 6
    assert tf.function(lambda a: client.add(a, a).get_value())(tf.constant(4)).numpy() == 8

    @tf.function
    def missing(a):
        result = client.call("missing", [a], output_specs=INTEGER)
        return result.is_ok(), *result.get_error()

    ok, code, message = missing(tf.constant(1))
    assert not ok and code.numpy() == 3 and b"missing is not registered" in message.numpy()


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_errors_come_with_their_class(client, wrap):
    call = wrap(lambda x: client.positive(x).get_value())
    assert call(tf.constant(1.0)).numpy() == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be positive"):
        call(tf.constant(-1.0))


def test_an_error_that_nothing_asks_for_is_not_raised(client):
    ok = tf.function(lambda x: client.positive(x).is_ok())
    assert [bool(ok(tf.constant(x))) for x in (1.0, -1.0)] == [True, False]


def test_other_protocols_and_absent_servers():
    with pytest.raises(ValueError, match="Only GRPC backend"):
        rpc.Client.create("http", "localhost:1")
    with pytest.raises(tf.errors.UnavailableError):
        rpc.Client.create("grpc", "localhost:1", timeout_in_ms=200)


def test_a_server_ends_with_its_object():
    address = free_address()
    server = rpc.Server.create("grpc", address)
    server.register("add", add)
    server.start()
    made = rpc.Client.create("grpc", address)
    assert made.add_blocking(np.int32(1), np.int32(2)).numpy() == 3
    del server
    gc.collect()
    assert not made.add(1, 2).is_ok()
