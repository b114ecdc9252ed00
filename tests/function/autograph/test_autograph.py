"""AutoGraph: Python control flow over tensors gives what TensorFlow gives; the messages were recorded there."""

import re
import traceback

import numpy as np
import pytest

import penstock as tf
from penstock._src.function.autograph.convert import converted
from penstock._src.function.autograph.parser import ConversionError


def outcome(function, *args):
    return tf.function(function)(*args).numpy().tolist()


def test_if_on_a_tensor_takes_both_branches_into_the_graph():
    def f(x):
        if x > 0:
            y = x * 2
        else:
            y = -x
        return y

    g = tf.function(f)
    assert [g(tf.constant(v)).numpy() for v in (3, -4)] == [6, 4]
    assert g.experimental_get_tracing_count() == 1


def test_early_returns_in_both_branches():
    def f(x):
        if x > 0:
            return x
        x = x - 1
        return -x

    assert [outcome(f, tf.constant(v)) for v in (3, -4)] == [3, 5]


def test_while_with_break_and_continue():
    def f(n):
        total = 0
        i = 0
        while i < n:
            i += 1
            if i == 2:
                continue
            if i > 5:
                break
            total += i
        return total

    assert [outcome(f, tf.constant(n)) for n in (0, 3, 9)] == [0, 4, 13]


def test_for_over_range_with_break_and_else():
    def f(n):
        total = 0
        for i in tf.range(n):
            if i > 5:
                break
            total += i
        else:
            total += 100
        return total

    assert [outcome(f, tf.constant(n)) for n in (4, 9)] == [106, 15]


def test_for_over_the_rows_of_a_tensor():
    def f(x):
        total = tf.zeros([2], tf.int32)
        for row in x:
            total += row
        return total

    assert outcome(f, tf.constant([[1, 2], [3, 4], [5, 6]])) == [9, 12]


def test_python_loops_are_unrolled():
    def f(x):
        for i in range(3):
            if i == 1:
                continue
            x = x * 10 + i
        return x

    assert outcome(f, tf.constant(1)) == 102


def test_logical_operators_conditional_expressions_and_chains():
    def f(x):
        return (x > 0 and x < 5) or not x > -3, x if x > 0 else -x, 1 < x < 4

    a, b, c = tf.function(f)(tf.constant(3))
    assert (a.numpy(), b.numpy(), c.numpy()) == (True, 3, True)
    a, b, c = tf.function(f)(tf.constant(-2))
    assert (a.numpy(), b.numpy(), c.numpy()) == (False, 2, False)


def test_called_functions_and_methods_are_converted():
    class Model:
        def __init__(self):
            self.__scale = 2

        def step(self, x):
            if x > 0:
                return x * self.__scale
            return x

    class Derived(Model):
        def step(self, x):
            return super().step(x) + 1

    def f(x):
        return Derived().step(x)

    assert [outcome(f, tf.constant(v)) for v in (3, -3)] == [7, -2]


def test_attributes_changed_in_a_branch():
    class State:
        n = 0

    state = State()

    @tf.function
    def f(x):
        if x > 0:
            state.n = x
        else:
            state.n = x + 1
        result = state.n
        state.n = 0
        return result

    assert f(tf.constant(4)).numpy() == 4
    assert f(tf.constant(-4)).numpy() == -3


def test_do_not_convert_leaves_a_function_alone():
    @tf.autograph.experimental.do_not_convert
    def inner(x):
        return x if x > 0 else -x

    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
        tf.function(lambda x: inner(x))(tf.constant(1))


def undefined_in_else(x):
    if x > 0:
        y = 1
    return y


def no_return_in_else(x):
    if x > 0:
        return 1


def other_dtype_in_else(x):
    if x > 0:
        y = 1
    else:
        y = 1.0
    return y


def other_dtype_after_iteration(x):
    while x > 0:
        x = tf.cast(x, tf.float32) - 1.0
    return x


def other_shape_after_iteration(x):
    y = tf.zeros([1])
    while x > 0:
        x = x - 1
        y = tf.concat([y, y], 0)
    return y


def return_in_loop(x):
    for i in tf.range(x):
        if i == 2:
            return i
    return x


def tensor_break_in_python_loop(x):
    for _ in range(3):
        if x > 5:
            break
        x = x + 1
    return x


def none_in_else(x):
    y = None
    if x > 0:
        y = x
    return y


def undefined_after_del(x):
    del x
    return x  # noqa: F821


MESSAGES = [
    (undefined_in_else, ValueError, "'y' must also be initialized in the else branch"),
    (no_return_in_else, ValueError, "the else branch must also have a return statement."),
    (none_in_else, ValueError, "'y' is None at the end of the else branch."),
    (
        other_dtype_in_else,
        TypeError,
        "'y' has dtype int32 in the main branch, but dtype float32 in the else branch",
    ),
    (
        other_dtype_after_iteration,
        TypeError,
        "'x' has dtype int32 before the loop, but dtype float32 after one iteration",
    ),
    (
        other_shape_after_iteration,
        ValueError,
        "'y' has shape (1,) before the loop, but shape (2,) after one iteration. Use "
        "tf.autograph.experimental.set_loop_options to set shape invariants.",
    ),
    (
        return_in_loop,
        NotImplementedError,
        "a return statement cannot be placed inside this TensorFlow loop; this may happen if a return "
        "statement depends on a static Python condition such as a hyperparameter",
    ),
    (
        tensor_break_in_python_loop,
        NotImplementedError,
        "break and return statements which depend on a TF condition are not supported in Python for loops.",
    ),
    (undefined_after_del, UnboundLocalError, "'x' is used before assignment"),
]


@pytest.mark.parametrize(
    "function, error, message", MESSAGES, ids=lambda v: getattr(v, "__name__", "")
)
def test_messages_are_those_of_tensorflow(function, error, message):
    with pytest.raises(error) as caught:
        tf.function(function)(tf.constant(3))
    assert message in str(caught.value)


def test_set_loop_options_gives_shape_invariants():
    def f(n):
        y = tf.ones([1])
        while n > 0:
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(y, tf.TensorShape([None]))]
            )
            n = n - 1
            y = tf.concat([y, y], 0)
        return y

    assert outcome(f, tf.constant(2)) == [1.0] * 4


def test_set_loop_options_may_stand_in_a_context():
    def f(n):
        y = tf.ones([1])
        for _ in tf.range(n):
            with tf.name_scope("step"):
                tf.autograph.experimental.set_loop_options(
                    shape_invariants=[(y, tf.TensorShape([None]))]
                )
                y = tf.concat([y, y], 0)
        return y

    assert outcome(f, tf.constant(2)) == [1.0] * 4


def test_set_loop_options_gives_shape_invariants_in_a_loop_that_continues():
    @tf.function
    def plain(n):
        x = tf.zeros([0], tf.int32)
        for i in tf.range(n):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(x, tf.TensorShape([None]))]
            )
            if i % 2 == 0:
                continue
            x = tf.concat([x, [i]], 0)
        return x

    @tf.function
    def in_a_context(n):
        x = tf.zeros([0], tf.int32)
        i = 0
        while i < n:
            with tf.name_scope("step"):
                tf.autograph.experimental.set_loop_options(
                    shape_invariants=[(x, tf.TensorShape([None]))]
                )
                i += 1
                if i % 2 == 0:
                    continue
                if i > 5:
                    break
            x = tf.concat([x, [i]], 0)
        return x

    assert plain(tf.constant(6)).numpy().tolist() == [1, 3, 5]
    assert in_a_context(tf.constant(9)).numpy().tolist() == [1, 3, 5]


def test_set_loop_options_gives_shape_invariants_of_structures():
    grows = (tf.TensorShape([None]), {"a": tf.TensorShape([None])})

    @tf.function
    def f(n):
        y = [(tf.ones([1]), {"a": tf.zeros([0])})] * 2
        while n > 0:
            tf.autograph.experimental.set_loop_options(shape_invariants=[(y, [grows, grows])])
            n = n - 1
            y = [(tf.concat([a, a], 0), {"a": tf.concat([b["a"], a], 0)}) for a, b in y]
        return y[1][0], y[0][1]["a"]

    first, second = f(tf.constant(2))
    assert (len(first), len(second)) == (4, 3)


def test_a_variable_that_only_the_loop_defines():
    def f(x):
        while x > 0:
            y = x
            x = x - 1
        return y

    assert outcome(f, tf.constant(3)) == 1


def raises_here(x):
    if x:
        raise ValueError("here")


def test_errors_show_the_users_line():
    with pytest.raises(ValueError) as caught:
        converted(raises_here)(1)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert last.filename == __file__ and last.line == 'raise ValueError("here")'


def plain_python(items, limit=3):
    """Every construct, without tensors."""
    found = []
    for i, item in enumerate(items):
        for j in range(item):
            if j > i:
                break
            if (i + j) % 2:
                continue
            found.append((i, j))
            if len(found) > limit:
                return found
    try:
        if not found:
            raise KeyError
        value = found[10]
    except KeyError:
        return "empty"
    except IndexError:
        value = found[-1]
    finally:
        found.append("end")
    match value:
        case (a, *_):
            value = a
    with open(__file__) as file:
        first = file.readline()[:3]
    return found, value, first, [x for x in (1, 2) if x > 1], (lambda q: q + limit)(1)


@pytest.mark.parametrize("items", [[], [1], [1, 2], [3, 3, 3]])
def test_python_semantics_are_kept(items):
    assert converted(plain_python)(items) == plain_python(items)


def test_closures_write_through():
    def counter(k):
        def add(x):
            nonlocal k
            if x:
                k += 1
            return k

        return add

    add = counter(3)
    assert [converted(add)(1), converted(add)(1), add(0)] == [4, 5, 5]


def test_to_code_shows_the_converted_source():
    text = tf.autograph.to_code(undefined_in_else)
    assert text.startswith("def tf__undefined_in_else(x):") and "ag__.if_(" in text


@pytest.mark.parametrize("convert", [tf.autograph.to_code, tf.autograph.to_graph])
@pytest.mark.parametrize("entity", [len, 3, list, eval("lambda x: x")])
def test_what_cannot_be_converted_is_named(convert, entity):
    with pytest.raises(ConversionError, match=f"converting {re.escape(str(entity))}: "):
        convert(entity)


def test_to_graph_returns_a_function():
    def f(x):
        if x > 0:
            return x
        return -x

    assert tf.autograph.to_graph(f)(tf.constant(-2)).numpy() == 2


def test_sorted_len_int_and_abs_of_tensors():
    def f(x):
        return sorted(x), len(x), int(x[0] * 1.5), abs(-x[0])

    a, b, c, d = tf.function(f)(tf.constant([3.0, 1.0]))
    np.testing.assert_array_equal(a, [1.0, 3.0])
    assert (b.numpy(), c.numpy(), d.numpy()) == (2, 4, 3.0)


def test_branches_that_give_strings():
    def f(x):
        if x < 0:
            return "negative"
        elif x < 10:
            return "small"
        return "big"

    g = tf.function(f)
    assert [g(tf.constant(x)).numpy() for x in (-1, 5, 50)] == [b"negative", b"small", b"big"]


def test_a_lambda_inside_a_generator_expression_is_converted():
    made = [tf.function(f) for f in ((lambda x, k=k: x * k if x > 0 else x) for k in (2, 3))]
    assert [int(f(tf.constant(5))) for f in made] == [10, 15]


def test_variables_may_bear_the_names_of_generated_functions():
    def count(values, get_state, loop_body):
        for _ in tf.range(3):
            values, get_state, loop_body = values + 1, get_state + values, loop_body * 2
        return tf.stack([values, get_state, loop_body])

    assert outcome(count, tf.constant(1), tf.constant(1), tf.constant(1)) == [4, 7, 8]


def test_conditions_of_loops_of_python_are_evaluated_once_a_round():
    """They may have effects: a parser takes what it tests for."""
    found = []

    def take(left, wanted):
        return left[:1] == [wanted] and bool(left.pop(0))

    def until_end(left):
        taken = []
        while not take(left, "}"):
            taken.append(left.pop(0))
        return taken, left

    def f():
        found.extend([until_end(list("}a}")), until_end(list("ab}c}"))])
        taken, left = [], [1, 2, None, 3]
        while x := left.pop(0):
            taken.append(x)
        found.append((taken, left))
        return 1

    outcome(f)
    assert found == [([], ["a", "}"]), (["a", "b"], ["c", "}"]), ([1, 2], [3])]


def test_conditions_that_make_tensors_are_of_the_function():
    def f(x):
        made = []
        while (y := tf.constant(float(len(made)))) is not None and len(made) < 2:
            made.append(y + x)
        return tf.stack([*made, y])

    assert outcome(f, 1.0) == [1, 2, 2]


def test_names_that_the_test_of_a_loop_of_tensors_assigns_are_refused():
    def f(x):
        while (x := x - 1) > 0:
            pass
        return x

    def g(x, stop=False):
        while (y := x * 2) > 0:
            if y > 5:
                break
            x = x + 1
        return x

    for function in (f, g):
        with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
            tf.function(function)(tf.constant(3))
        assert tf.function(function)(3) == function(3)


def test_what_a_lambda_reads_that_a_call_is_given_is_not_needed_later():
    def f(x):
        if x > 0:
            limit = x % 4
            y = tf.while_loop(lambda i: i < limit, lambda i: i + 1, [0])[0]
        else:
            y = -x
        if y > 2:
            y += 1
        return y

    assert [outcome(f, tf.constant(v)) for v in (7, -2)] == [4, 2]


def test_what_a_kept_lambda_reads_is_there_when_it_is_called():
    def f(x):
        limit = x
        scaled = lambda v: v * limit  # noqa: E731
        if x > 0:
            limit = x + 1
        return scaled(tf.constant(2))

    assert [outcome(f, tf.constant(v)) for v in (3, -3)] == [8, -6]


@pytest.mark.parametrize("asked", [True, False])
def test_print_shows_values_where_builtin_functions_are_asked_for(capsys, asked):
    feature = tf.autograph.experimental.Feature
    features = feature.BUILTIN_FUNCTIONS if asked else feature.all_but(feature.BUILTIN_FUNCTIONS)

    def f(x):
        if x > 0:
            print("x is", x, sep="|")

    traced = tf.function(f, experimental_autograph_options=features)
    for value in (-1, 3, 4):
        traced(tf.constant(value))
    shown = capsys.readouterr().out
    assert shown == "x is|3\nx is|4\n" if asked else shown.startswith("x is|Tensor(")
    made = tf.autograph.to_graph(f, experimental_optional_features=features)
    tf.function(made, autograph=False)(tf.constant(5))
    assert (capsys.readouterr().out == "x is|5\n") == asked


def test_private_names_in_functions_within_methods_are_those_of_the_class():
    class Doubling:
        def __double(self, x):
            return x * 2

        @tf.autograph.experimental.do_not_convert
        def repeated(self, x):
            def body(i, x):
                return i + 1, step(x)

            def step(x):
                return self.__double(x)

            return tf.while_loop(lambda i, _: i < 3, body, [0, x])[1]

        @tf.autograph.experimental.do_not_convert
        def given(self, x):
            return tf.autograph.to_graph(lambda y: self.__double(y) if y > 0 else y)(x)

    assert tf.function(Doubling().repeated)(tf.constant(1.0)).numpy() == 8
    assert tf.function(Doubling().given)(tf.constant(1.0)).numpy() == 2
