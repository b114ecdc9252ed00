"""`make kernel-keys` says whether generated code is the same."""

import subprocess
import sys

import pytest

from tools.kernel_keys import keys_after, line_of

PROGRAM = """
import penstock as tf
tf.function(lambda x: tf.{}(x) * 3.0, autograph=False)(tf.ones([5, 7]))
"""


def keys_of(function):
    return sorted(keys_after([sys.executable, "-c", PROGRAM.format(function)]))


def test_keys_are_those_of_the_code_alone():
    first = keys_of("exp")
    assert first and keys_of("exp") == first
    assert keys_of("tanh") != first


def test_a_line_depends_on_the_keys_and_not_on_their_order():
    assert line_of("a", ["x", "y"]) == line_of("a", ["y", "x", "x"])
    assert line_of("a", ["x", "y"]).startswith("a 2 ")
    assert line_of("a", ["x", "y"]) != line_of("a", ["x", "z"])


def test_a_command_that_fails_gives_no_keys():
    with pytest.raises(subprocess.CalledProcessError):
        keys_after([sys.executable, "-c", "raise SystemExit(3)"])
