"""`penstock enable`: what it leaves in a virtual environment, and what programs and pip find there."""

import importlib.metadata
import subprocess
import sys

import pytest

from penstock._src.bridge.cli import main
from penstock._src.bridge.environments import site_packages, stand_in
from tests.harness.processes import bare
from tests.harness.stubs import make_stubs


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A folder of packages in place of this environment's."""
    monkeypatch.setattr(site_packages, "folder", lambda: tmp_path)
    monkeypatch.setattr(sys, "prefix", "/some/venv")
    monkeypatch.setattr(site_packages, "real_tensorflow", lambda: None)
    monkeypatch.setattr(site_packages, "real_text", lambda: None)
    monkeypatch.setattr(site_packages, "is_brought_by_wheel", lambda: False)
    return tmp_path


def python(program, folder):
    """What a new Python printed that has `folder` among its folders of packages."""
    start = f"import site, sys\nbefore = set(sys.modules)\nsite.addsitedir({str(folder)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", start + program],
        cwd=folder,
        env=bare(program, folder),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


IMPORTS = """
assert not {{"numpy", "llvmlite", "typing", "re"}} & (set(sys.modules) - before), "it must start quickly"
{imports}
import tensorflow as tf, penstock
assert tf is penstock, "there must be one Penstock"
print(tf.__name__, int(tf.constant(1) + 1), tf.keras.layers.Dense(2)(tf.ones([3, 1])).shape)
"""


@pytest.mark.parametrize(
    "imports",
    [
        "import tensorflow",
        "import keras",
        "import penstock, keras",
        "import tensorflow.keras.layers",
        "import importlib.util; assert importlib.util.find_spec('tensorflow')",
    ],
)
def test_programs_find_one_penstock(environment, imports):
    assert main(["enable"]) == 0
    assert python(IMPORTS.format(imports=imports), environment) == "penstock 2 (3, 2)\n"


def test_finders_stay_in_order_when_the_stand_in_arrives(environment):
    """A list that changes during the search must not hide the finder after it."""
    main(["enable"])
    program = """
import penstock
penstock.install_as_tensorflow()
class Last:
    asked = []
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        cls.asked.append(name)
from penstock._src.bridge.environments.at_start import Waiting
sys.meta_path.insert(sys.meta_path.index(Waiting) + 1, Last)
import keras
print("keras.src" in Last.asked)
"""
    assert python(program, environment) == "True\n"


def test_metadata_is_known_before_any_import(environment):
    main(["enable"])
    program = """
import importlib.metadata
print([importlib.metadata.version(n) for n in ("tensorflow", "tensorflow-text", "tf-nightly")])
import tensorflow
print(importlib.metadata.version("tensorflow") == tensorflow.__version__)
"""
    assert python(program, environment) == f"{[stand_in.VERSION] * 3}\nTrue\n"


def test_records_list_what_is_there(environment):
    main(["enable"])
    for found in importlib.metadata.distributions(path=[str(environment)]):
        assert stand_in.is_stand_in(found)
        for file in found.files:
            content = file.locate().read_bytes()
            assert file.size in (None, len(content))
        assert stand_in.START not in map(str, found.files), "it tells when TensorFlow has come"


def test_pip_counts_penstock_as_the_version_asked_for(environment, tmp_path_factory, capsys):
    file = tmp_path_factory.mktemp("pip") / "constraints.txt"
    assert main(["enable"]) == 0
    assert main(["enable", "--as", "2.19", "--constraints", str(file)]) == 0
    found = {d.name: d.version for d in importlib.metadata.distributions(path=[str(environment)])}
    assert found == dict.fromkeys(stand_in.DISTRIBUTIONS, "2.19.0")
    assert "tensorflow==2.19.0\n" in file.read_text() and str(file) in capsys.readouterr().out
    program = "import tensorflow as tf; print(tf.__version__)"
    assert python(program, environment) == f"{stand_in.VERSION}\n"


@pytest.mark.parametrize("version", ["2.15", "2.22.0", "3", "2.19+cpu"])
def test_versions_that_penstock_cannot_stand_for_are_refused(environment, version, capsys):
    assert main(["enable", "--as", version]) == 2
    assert version in capsys.readouterr().err and not list(environment.iterdir())


def test_a_tensorflow_that_came_later_is_used_and_told_of(environment):
    main(["enable"])
    for each in environment.glob("*.dist-info"):  # as pip does, when it installs another version
        for file in next(importlib.metadata.distributions(path=[str(environment)])).files:
            file.locate().unlink()
        each.rmdir()
    (environment / "tensorflow").mkdir()
    (environment / "tensorflow" / "__init__.py").write_text("itself = True\n")
    program = """
import warnings
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    import tensorflow
print(tensorflow.itself, len(told), "penstock disable" in str(told[0].message))
"""
    assert python(program, environment) == "True 1 True\n"


def test_disable_leaves_nothing(environment, capsys):
    main(["enable"])
    other = environment / "other-1.0.dist-info"
    other.mkdir()
    (other / "INSTALLER").write_text("pip\n")
    assert main(["disable"]) == 0
    assert list(environment.iterdir()) == [other]
    assert main(["disable"]) == 0
    assert "nothing to undo" in capsys.readouterr().out


def test_start_without_penstock_is_silent(tmp_path):
    (tmp_path / "start.py").write_text(stand_in.START_LINE)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "start.py")], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_refusals(environment, monkeypatch, capsys):
    monkeypatch.setattr(site_packages, "is_brought_by_wheel", lambda: True)
    assert main(["disable"]) == 2
    assert "pip uninstall tensorflow-on-penstock" in capsys.readouterr().err
    monkeypatch.setattr(site_packages, "real_tensorflow", lambda: "tensorflow 2.21.0")
    assert main(["enable"]) == 2
    assert "tensorflow 2.21.0" in capsys.readouterr().err
    monkeypatch.setattr(site_packages, "real_tensorflow", lambda: None)
    monkeypatch.setattr(site_packages, "real_text", lambda: "tensorflow-text 2.21.1")
    assert main(["enable"]) == 2
    assert "tensorflow-text 2.21.1" in capsys.readouterr().err
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert main(["enable"]) == 2
    assert "virtual environment" in capsys.readouterr().err


def test_stubs_have_the_modules_and_names_of_penstock(environment):
    make_stubs()
    main(["enable"])
    root = environment / "tensorflow-stubs"
    assert "from penstock import *" in (root / "__init__.pyi").read_text()
    assert "from penstock.nn import *" in (root / "nn" / "__init__.pyi").read_text()
    assert (environment / "keras-stubs" / "layers" / "__init__.pyi").exists()
    private = root / "python" / "framework" / "__init__.pyi"
    assert "def __getattr__(name: str) -> Any" in private.read_text()
    main(["disable"])
    assert not root.exists()
