"""Errors that leave the library carry the user's frames only."""

import importlib
import json
import pickle
import sys
import threading
import traceback

import pytest

import penstock as tf
from penstock._src.core.calls.tracebacks import came_through_users_code, shortening
from penstock._src.util.locations import is_own


def files_of(error):
    return [frame.filename for frame in traceback.extract_tb(error.__traceback__)]


def error_of(call):
    with pytest.raises((ValueError, TypeError, LookupError, OSError, tf.errors.OpError)) as caught:
        call()
    return caught.value


CALLS = {
    "operator": lambda: tf.constant([1.0]) + tf.constant([1]),
    "function": lambda: tf.matmul(tf.ones([2, 3]), tf.ones([2, 3])),
    "raw op": lambda: tf.raw_ops.MatMul(a=tf.ones([2, 3]), b=tf.ones([2, 3])),
    "item": lambda: tf.ones([2])["x"],
    "constant": lambda: tf.constant([[1], [1, 2]]),
    "tf.function": lambda: tf.function(lambda x: tf.matmul(x, x))(tf.ones([2, 3])),
    "assignment": lambda: tf.Variable([1.0]).assign([1.0, 2.0]),
    "dataset": lambda: list(tf.data.Dataset.range(3).map(lambda x: tf.reshape(x, [2]))),
    "element": lambda: list(tf.data.Dataset.range(3).map(lambda x: tf.debugging.assert_less(x, x))),
    "condition": lambda: tf.cond(tf.constant([True, False]), lambda: 1, lambda: 2),
    "file": lambda: tf.saved_model.load("/nowhere"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_frame_of_the_library_is_left(call):
    error = error_of(call)
    assert files_of(error) and not any(map(is_own, files_of(error)))
    assert error.__context__ is None or error.__suppress_context__


def test_all_frames_are_shown_when_filtering_is_off():
    tf.debugging.disable_traceback_filtering()
    try:
        assert not tf.debugging.is_traceback_filtering_enabled()
        error = error_of(CALLS["raw op"])
    finally:
        tf.debugging.enable_traceback_filtering()
    shown = "".join(traceback.format_exception(error))
    assert "RUN_EAGERLY(cls, (a, b, ), attrs)" not in shown
    assert "return slots.RUN_EAGERLY(cls, ({parameters}), attrs)" in shown
    assert tf.debugging.is_traceback_filtering_enabled()


def test_filtering_is_set_for_one_thread():
    tf.debugging.disable_traceback_filtering()
    try:
        seen = []
        thread = threading.Thread(
            target=lambda: seen.append(tf.debugging.is_traceback_filtering_enabled())
        )
        thread.start()
        thread.join()
    finally:
        tf.debugging.enable_traceback_filtering()
    assert seen == [True]


def test_frames_of_the_users_callbacks_stay():
    def callback(x):
        return json.loads("{")

    error = error_of(lambda: tf.map_fn(callback, tf.ones([2])))
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names[-1] == "raw_decode" and "callback" in names
    assert not any(map(is_own, files_of(error)))


def test_an_error_that_the_user_was_handling_stays_the_context():
    def call():
        try:
            {}["missing"]
        except KeyError:
            tf.constant([[1], [1, 2]])

    error = error_of(call)
    assert isinstance(error.__context__, KeyError) and not error.__suppress_context__


def test_an_error_behind_the_error_goes_unless_the_user_raised_it():
    def users():
        raise KeyError("mine")

    @shortening
    def library():
        try:
            users()
        except KeyError as error:
            raise ValueError("refused") from error

    error = error_of(library)
    assert isinstance(error.__cause__, KeyError) and came_through_users_code(error.__cause__)


@pytest.mark.parametrize("name", ["InvalidArgumentError", "OperatorNotAllowedInGraphError"])
def test_errors_show_and_pickle_the_public_module(name):
    cls = getattr(tf.errors, name)
    assert "_src" not in cls.__module__  # TensorFlow's, if a test before made Penstock tensorflow
    assert getattr(importlib.import_module(cls.__module__), cls.__qualname__) is cls
    assert type(pickle.loads(pickle.dumps(cls("message")))) is cls


def test_short_errors_can_be_raised_again():
    error = error_of(CALLS["operator"])
    again = error_of(lambda: (_ for _ in ()).throw(error))
    assert again is error and files_of(again)[-1] == sys._getframe().f_code.co_filename
