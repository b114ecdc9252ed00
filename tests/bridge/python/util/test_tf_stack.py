"""Stacks of calls."""

from penstock._src.bridge.python.util import tf_stack


def _inner():
    return tf_stack.extract_stack()


def test_the_innermost_frame_is_last():
    stack = _inner()
    assert [frame.name for frame in stack[-2:]] == ["test_the_innermost_frame_is_last", "_inner"]
    assert stack.last_user_frame().filename == __file__ and "in _inner" in repr(stack[-1])


def test_stacks_are_kept_in_messages():
    builder = tf_stack.GraphDebugInfoBuilder()
    stack = _inner()
    builder.AccumulateStackTrace("f", "node", stack)
    assert tf_stack.LoadTracesFromDebugInfo(builder.Build()) == {"node@f": stack}


def test_lines_are_shown_as_other_places_and_files_left_out():
    class Elsewhere(tf_stack.StackTraceMapper):
        def get_effective_source_map(self):
            return {(__file__, line): ("other.py", 7, "g") for line in range(100)}

    with Elsewhere():
        frame = _inner()[-1]
        assert (frame.filename, frame.lineno, frame.name) == ("other.py", 7, "g")
        with tf_stack.CurrentModuleFilter():
            assert all(frame.filename != "other.py" for frame in _inner())
    assert _inner()[-1].filename == __file__
