"""Python side effects in a traced function: a sentence that names the line, when it is called again."""

import logging

import pytest

import penstock as tf

count = 0
seen = []
x = tf.constant(1.0)


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.WARNING, "penstock")
    return lambda: [record.getMessage() for record in caplog.records]


def call_thrice(function, *args):
    for _ in range(3):
        function(*args)


def test_append_of_a_tensor(said):
    losses = []

    @tf.function
    def step(x):
        losses.append(x * 2.0)

    step(x)
    assert not said(), "the first call does it"
    step(x)
    (message,) = said()
    assert "`losses.append(x * 2.0)`" in message and "TensorArray" in message
    line = step.python_function.__code__.co_firstlineno + 2
    assert f"{__file__!r}, line {line}" in message
    step(x)
    assert len(said()) == 1, "it is said once"


def test_global_counter(said):
    @tf.function
    def step(x):
        global count
        count += 1
        return x

    call_thrice(step, x)
    (message,) = said()
    assert "`count += 1`" in message and "tf.Variable" in message


def test_nonlocal_and_dict_and_module_list(said):
    total, found = 0.0, {}

    @tf.function
    def step(x):
        nonlocal total
        total = x + 1.0
        found["x"] = x
        seen.append(x)

    call_thrice(step, x)
    assert [message.split("`")[1] for message in said()] == [
        "total = x + 1.0",
        "found['x'] = x",
        "seen.append(x)",
    ]


def test_attributes_of_an_object(said):
    class Counter(tf.Module):
        def __init__(self):
            super().__init__()
            self.calls, self.last, self.total = 0, None, tf.Variable(0.0)
            self.weights = None

        @tf.function
        def __call__(self, x):
            if self.weights is None:
                self.weights = tf.Variable(2.0)  # as tf.function wants it
            self.calls += 1
            self.last = x * self.weights
            self.total.assign_add(x)
            return x

    call_thrice(Counter(), x)
    assert [message.split("`")[1] for message in said()] == [
        "self.calls += 1",
        "self.last = x * self.weights",
    ]


def test_print_in_a_function_is_reported_once(said, capsys):
    @tf.function
    def step(x):
        print("traced")
        print("x is", x)

    call_thrice(step, x)
    (message,) = said()
    assert "tf.print" in message and "print('x is', x)" in message
    assert capsys.readouterr().out.count("traced") == 1


def test_what_is_local_or_kept_in_variables_is_well(said):
    total = tf.Variable(0.0)

    @tf.function
    def step(x):
        parts = []
        for i in range(3):
            parts.append(x * float(i))
        named = {}
        named["sum"] = tf.add_n(parts)
        total.assign_add(named["sum"])
        return named

    call_thrice(step, x)
    assert not said()
