"""Progress: on terminals only, and after a while."""

import io

from penstock._src.bridge.cli import progress
from penstock._src.bridge.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def drawn(monkeypatch, stream, seconds):
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    monkeypatch.setattr(progress, "INTERVAL", 0.01)
    monkeypatch.setattr(progress.sys, "stderr", stream)
    with Progress("measuring") as shown:
        shown.done(1, 4)
        if seconds:
            shown._ended.wait(seconds)
    return stream.getvalue()


def test_a_terminal_shows_a_bar_and_clears_it(monkeypatch):
    text = drawn(monkeypatch, Terminal(), 0.2)
    assert "measuring" in text and "25%" in text and text.endswith(progress.CLEAR)


def test_nothing_elsewhere_or_where_it_is_quick(monkeypatch):
    assert drawn(monkeypatch, io.StringIO(), 0.1) == ""
    assert drawn(monkeypatch, Terminal(), 0) == ""


def test_a_line_without_a_share():
    assert Progress("compiling").line(3.2) == "compiling: 3 s"
