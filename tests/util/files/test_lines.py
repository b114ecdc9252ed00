"""Lines of text in bytes."""

from penstock._src.util.files.lines import lines_of


def test_lines_end_with_newlines_alone():
    assert lines_of(b"a\rb\r\nc\r\r\n\x0cd\n\ne") == [b"a\rb", b"c\r", b"\x0cd", b"", b"e"]
    assert lines_of(b"") == [] and lines_of(b"a\n") == [b"a"]
