"""Public modules, whose names are looked up when they are asked for."""

import importlib
import pickle
import subprocess
import sys

import pytest

import penstock as tf
from penstock._src.util.lazy import ByName, is_instance_of

MODULES = """
penstock penstock.math penstock.experimental.numpy penstock.keras.layers
penstock.compat.v1 penstock.compat.v1.nn penstock.compat.v2
""".split()


@pytest.mark.parametrize("name", MODULES)
def test_import_of_everything_brings_all_public_names(name):
    module, brought = importlib.import_module(name), {}
    exec(f"from {name} import *", brought)
    public = {each for each in dir(module) if not each.startswith("_")}
    assert len(public) > 50 and public <= set(brought)
    assert all(brought[each] is getattr(module, each) for each in public)
    assert not any(each.startswith("_") for each in set(brought) - {"__builtins__"})


def test_import_of_all_raw_operations_brings_those_that_there_are():
    brought = {}
    exec("from penstock.raw_ops import *", brought)
    assert brought["AddV2"](x=1, y=2).numpy() == 3
    assert len(brought) > 1300 and set(brought) - {"__builtins__"} <= set(dir(tf.raw_ops))


def test_import_of_everything_does_not_need_earlier_uses():
    code = (
        "import builtins, penstock; penstock.install_as_tensorflow()\n"
        "from tensorflow import *\n"
        "from tensorflow.experimental.numpy import *\n"
        "builtins.print(constant([1.0]).dtype.name, sum([1, 2]).numpy(), nn.relu(-1.0).numpy())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["float32", "3", "0.0"], done.stderr


def test_a_function_by_its_name_is_imported_when_it_is_called(tmp_path, monkeypatch):
    (tmp_path / "seldom_used.py").write_text("def double(x, times=2):\n    return x * times\n")
    monkeypatch.syspath_prepend(tmp_path)
    double = ByName("seldom_used", "double")
    assert "seldom_used" not in sys.modules
    assert (double(4), double(4, times=3)) == (8, 12)
    assert double.function is sys.modules.pop("seldom_used").double


def test_nothing_is_of_a_class_of_a_module_that_was_not_imported():
    assert "penstock.no_such_module" not in sys.modules
    assert not is_instance_of(1, "penstock.no_such_module", "Class")
    assert is_instance_of(1, "builtins", "int") and not is_instance_of(1, "builtins", "str")


@pytest.mark.parametrize("name", ["penstock.compat.v1.nn", "penstock.compat.v1.saved_model"])
def test_modules_are_pickled_by_their_names(name):
    module = importlib.import_module(name)
    assert pickle.loads(pickle.dumps(module)) is module


def test_the_module_of_flags_is_pickled():
    flags = tf.compat.v1.flags
    assert pickle.loads(pickle.dumps(flags)).DEFINE_string is flags.DEFINE_string
