"""Progress: on terminals and in notebooks only, and after a while."""

import io
import re
import sys
import types

import pytest

import penstock as tf
from penstock._src.util.flags import override
from penstock._src.util.process import progress
from penstock._src.util.process.progress import Progress
from tests.harness.waiting import eventually


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    monkeypatch.setattr(progress, "INTERVAL", 0.01)


def drawn(monkeypatch, stream, seconds):
    monkeypatch.setattr(progress.sys, "stderr", stream)
    with Progress("measuring") as shown:
        shown.done(1, 4)
        shown._ended.wait(seconds)
    return stream.getvalue()


def test_a_terminal_shows_a_bar_and_clears_it(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", stream)
    with Progress("measuring") as shown:
        shown.done(1, 4)
        assert eventually(lambda: "measuring" in stream.getvalue() and "25%" in stream.getvalue())
    assert stream.getvalue().endswith(progress.CLEAR)


def test_nothing_elsewhere_where_it_is_quick_or_not_wanted(monkeypatch):
    assert drawn(monkeypatch, io.StringIO(), 0.1) == ""
    with override(progress=0):
        assert drawn(monkeypatch, Terminal(), 0.1) == ""
    monkeypatch.setattr(progress, "PATIENCE", 900)
    assert drawn(monkeypatch, Terminal(), 0) == ""


def test_a_line_without_a_share():
    assert Progress("compiling").line(3.2) == "compiling: 3 s"


def test_only_the_outer_one_is_drawn_with_what_is_noted_within(monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", Terminal())
    with Progress("outer"), Progress("inner") as inner:
        progress.note("machine code of kernels", 3, 40)
        shown = r"outer: \d+ s, machine code of kernels 3 of 40"
        assert eventually(lambda: re.search(shown, sys.stderr.getvalue()))
        inner._ended.wait(0.1)  # in which it would be drawn
    progress.note("nobody")
    assert "inner" not in sys.stderr.getvalue()
    assert progress._drawn is None


def test_a_notebook_shows_a_line_that_stays(monkeypatch):
    shown = []
    handle = types.SimpleNamespace(update=lambda data, raw: shown.append(data["text/plain"]))
    display = types.ModuleType("IPython.display")
    display.display = lambda data, raw, display_id: shown.append(data["text/plain"]) or handle
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    with Progress("compiling step"):
        progress.note("plan")
        assert eventually(lambda: shown)
    first, last = shown[0], shown[-1]
    assert re.fullmatch(r"compiling step: \d+ s(, plan)?", first)
    assert re.fullmatch(r"compiling step: \d+ s", last)


def test_tracing_and_compiling_are_shown(monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", Terminal())

    @tf.function
    def slowly_traced(x):
        assert eventually(lambda: re.search(r"tracing slowly_traced: \d+ s", sys.stderr.getvalue()))
        return tf.cos(x * 17.25) ** 2

    waiting = progress.Progress.__enter__
    seen = []

    def entered(self):
        seen.append(self.what)
        return waiting(self)

    monkeypatch.setattr(progress.Progress, "__enter__", entered)
    slowly_traced(tf.ones([50]))
    assert seen == ["tracing slowly_traced", "compiling slowly_traced"]
