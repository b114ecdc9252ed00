"""Names found in sources, and kept for the next process."""

import os
import re
import sys

import pytest

from penstock._src.util.files import scanned
from penstock._src.util.files.scanned import names_in

CLASS = re.compile(rb"class (\w+)")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "inner").mkdir()
    (tmp_path / "one.py").write_text("class A: ...\nclass B: ...\n")
    (tmp_path / "inner" / "two.py").write_text("class C: ...\n")
    (tmp_path / "notes.txt").write_text("class D")
    return tmp_path


@pytest.fixture
def read(monkeypatch):
    """The sources that were read."""
    paths = []
    names = scanned._names
    monkeypatch.setattr(
        scanned, "_names", lambda path, *_: paths.append(path.name) or names(path, *_)
    )
    return paths


def test_each_name_has_its_source(folder):
    assert names_in(folder, CLASS) == {"A": "one.py", "B": "one.py", "C": "inner/two.py"}


def test_sources_that_stay_are_read_once(folder, read):
    first = names_in(folder, CLASS)
    assert sorted(read) == ["one.py", "two.py"]
    assert names_in(folder, CLASS) == first and len(read) == 2


def test_another_pattern_reads_again(folder):
    names_in(folder, CLASS)
    assert names_in(folder, re.compile(rb"class ([BC])")) == {"B": "one.py", "C": "inner/two.py"}


def test_sources_that_change_are_read_again_whatever_their_times(folder):
    names_in(folder, CLASS)
    status = (folder / "one.py").stat()
    (folder / "one.py").write_text("class A: ...\nclass E: ...\n")
    os.utime(folder / "one.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert names_in(folder, CLASS) == {"A": "one.py", "E": "one.py", "C": "inner/two.py"}
    (folder / "three.py").write_text("class F: ...")
    (folder / "inner" / "two.py").unlink()
    assert names_in(folder, CLASS) == {"A": "one.py", "E": "one.py", "F": "three.py"}


@pytest.mark.parametrize("content", ["", "[]", '{"names": {}}', "{"])
def test_damaged_names_are_found_anew(folder, content):
    first = names_in(folder, CLASS)
    (kept,) = folder.rglob("names.json")
    kept.write_text(content)
    assert names_in(folder, CLASS) == first


def test_nothing_is_written_where_byte_code_is_not(folder, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert names_in(folder, CLASS) and not list(folder.rglob("names.json"))


def test_a_folder_that_others_own_is_read_each_time(folder, read, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr(scanned, "written_whole", refuse)
    assert names_in(folder, CLASS) == names_in(folder, CLASS) and len(read) == 4
