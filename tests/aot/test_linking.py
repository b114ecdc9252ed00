"""Commands of linkers: what they do is said while they run, and how they failed afterwards."""

import contextlib
import sys

import pytest

import penstock as tf
from penstock._src.aot import linking


def python(text):
    return [sys.executable, "-c", text]


def test_what_it_does_is_said(monkeypatch):
    said = []

    def progress(what):
        said.append(what)
        return contextlib.nullcontext()

    monkeypatch.setattr(linking, "Progress", progress)
    assert linking.run(python("print(3)"), "linking x.so for native") == "3\n"
    assert said == ["linking x.so for native"]


def test_failures_name_the_command_and_its_message():
    with pytest.raises(tf.errors.InternalError, match="(?s)-c.*no such symbol"):
        linking.run(python("raise SystemExit('no such symbol')"), "linking")


def test_commands_that_do_not_end(monkeypatch):
    monkeypatch.setattr(linking, "_MINUTES", 0.005)
    with pytest.raises(tf.errors.DeadlineExceededError, match="did not end in 0.005 minutes"):
        linking.run(python("import time; time.sleep(60)"), "linking")
