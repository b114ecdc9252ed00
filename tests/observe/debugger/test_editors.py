"""A stop in an editor that is attached by debugpy, as VS Code is."""

import pytest

from tests.harness.editor import Editor

pytest.importorskip("debugpy")

SCRIPT = """
import penstock as tf

@tf.function
def f(x):
    h = x * 2.0
    tf.debugging.breakpoint()
    y = h + 1.0
    return y

assert f(tf.constant([3.0])).numpy() == [7.0]
"""


def test_lines_and_values_in_an_editor(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    editor = Editor(str(script))
    try:
        thread, line, names = editor.stop()
        assert line == 8 and "numpy=array([6.]" in names["h"] and "y" not in names
        editor.send("next", threadId=thread)
        thread, line, names = editor.stop()
        assert line == 9 and "numpy=array([7.]" in names["y"]
        editor.send("continue", threadId=thread)
        assert editor.process.wait(30) == 0
    finally:
        editor.process.kill()
