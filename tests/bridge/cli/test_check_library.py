"""`penstock check-library` finds names of TensorFlow that Penstock lacks, without running the library."""

import tarfile
import zipfile

import pytest

from penstock._src.bridge.cli import main
from penstock._src.bridge.cli.check_library import scanning

LIBRARY = """
import tensorflow as tf
import tensorflow.compat.v1 as v1
from tensorflow import nn
from tensorflow.python.framework import ops, no_such_module
from .own import tensorflow
raise SystemExit("a library is not run")

keras = tf.keras
def f(x):
    tf.nn.relu(x); tf.no_such_name(x); v1.placeholder; ops.no_such_name.more; keras.layers.Dense
    try:
        nn.no_such_guarded(x)
    except AttributeError:
        pass
    tensorflow.not_theirs
    tf = None
    tf.not_theirs
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "module.py").write_text(LIBRARY)
    (tmp_path / "library" / "old.py").write_text("print 'of Python 2'")
    return tmp_path / "library"


def test_missing_names_are_listed_with_their_places(folder, capsys):
    assert main(["check-library", str(folder)]) == 1
    said = capsys.readouterr()
    assert "not read: old.py:1: Missing parentheses" in said.err
    head, *lines = said.out.splitlines()
    assert head.startswith("library: 2 files") and head.endswith("4 missing")
    assert [line.split() for line in lines] == [
        ["tensorflow.nn.no_such_guarded", "module.py:13", "(in", "a", "try)"],
        ["tensorflow.no_such_name", "module.py:11"],
        ["tensorflow.python.framework.no_such_module", "module.py:5"],
        ["tensorflow.python.framework.ops.no_such_name.more", "module.py:11"],
    ]


def test_names_follow_what_they_are_bound_to():
    uses = scanning.uses_in(scanning.parsed([("module.py", LIBRARY.encode())])[0])
    assert "tensorflow.keras.layers.Dense" in uses and "tensorflow.compat.v1.placeholder" in uses
    assert not any("not_theirs" in name for name in uses)


def test_a_sum_of_hundreds_of_terms_is_read():
    terms = " + ".join(["1"] * 600)
    source = f"import tensorflow as tf\nx = {terms} + tf.nn.relu(2)"
    uses = scanning.uses_in(scanning.parsed([("module.py", source.encode())])[0])
    assert "tensorflow.nn.relu" in uses


def test_archives_are_read_as_they_are(folder, tmp_path, capsys):
    wheel, source = tmp_path / "library-1.0-py3-none-any.whl", tmp_path / "library-1.0.tar.gz"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(folder / "module.py", "library/module.py")
    with tarfile.open(source, "w:gz") as archive:
        archive.add(folder / "module.py", "library-1.0/library/module.py")
    for path in (wheel, source):
        assert main(["check-library", str(path)]) == 1
        assert "library/module.py:11" in capsys.readouterr().out


def test_only_guarded_names_are_no_failure(tmp_path):
    (tmp_path / "module.py").write_text(
        "import tensorflow as tf\ntry:\n    tf.no_such_name\nexcept AttributeError:\n    pass\n"
    )
    assert main(["check-library", str(tmp_path / "module.py")]) == 0


@pytest.mark.parametrize("name", ["no-such-distribution-7", "."])
def test_what_has_no_files_is_refused(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["check-library", name]) == 2
    assert name in capsys.readouterr().err
