"""Lines of sources in messages and reports."""

import linecache
import os

from penstock._src.util.locations import source_line


def test_a_file_that_was_written_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "program.py").write_text("first = 1\n")
    assert source_line("program.py", 1) == "first = 1\n"
    (tmp_path / "program.py").write_text("other = 22\nsecond = 3\n")
    os.utime("program.py", (1, 1))
    assert source_line("program.py", 2) == "second = 3\n"
    assert source_line("program.py", 9) == source_line("nosuch.py", 1) == ""


def test_a_file_of_the_same_name_elsewhere_on_the_path(tmp_path, monkeypatch):
    for folder in ("before", "now"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "twice.py").write_text(f"folder = {folder!r}\n")
    monkeypatch.syspath_prepend(tmp_path / "before")
    assert linecache.getline("twice.py", 1) == "folder = 'before'\n"
    monkeypatch.chdir(tmp_path / "now")
    assert source_line("twice.py", 1) == "folder = 'now'\n"
