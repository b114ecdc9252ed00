"""Editors offer what they offer on TensorFlow, or more, with signatures and what functions do."""

import json
import sysconfig
from pathlib import Path

import jedi
import pytest

import penstock as tf

ROOT = Path(__file__).resolve().parents[2]
# By tools/record_completions.py.
RECORDED = json.loads((Path(__file__).resolve().parent / "completions.json").read_text())
MODULES = ("penstock", "tensorflow")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    packages = sysconfig.get_path("purelib")
    places = [str(ROOT), str(ROOT / "typings"), packages]
    return jedi.Project(tmp_path_factory.mktemp("project"), sys_path=places, smart_sys_path=False)


def script(code, project, module="penstock"):
    return jedi.Script(f"import {module} as tf\n{code}", project=project)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("asked", RECORDED)
def test_everything_is_offered_that_is_on_tensorflow(asked, module, project):
    offered = {found.name for found in script(f"{asked}.", project, module).complete()}
    assert sorted(set(RECORDED[asked]) - offered) == []


@pytest.mark.parametrize("module", MODULES)
def test_functions_have_signatures_and_say_what_they_do(module, project):
    first = script("tf.nn.relu(", project, module).get_signatures()[0]
    assert [parameter.name for parameter in first.params] == ["features", "name"]
    assert first.to_string().endswith("-> Tensor")
    assert tf.nn.relu.__doc__.strip().split("\n")[0] in first.docstring()


@pytest.mark.parametrize(
    "code, expected",
    [
        ("tf.constant(1).", {"numpy", "shape", "dtype", "device", "ndim"}),
        ("(tf.constant(1) + 1).", {"numpy", "shape"}),
        ("tf.Variable(1).", {"assign", "assign_add", "read_value", "numpy", "trainable"}),
        ("tf.data.Dataset.range(3).map(f).batch(2).", {"prefetch", "shuffle", "element_spec"}),
        ("tf.keras.layers.", {"Dense", "Conv2D", "Layer"}),
        ("tf.keras.Sequential().", {"fit", "compile", "summary", "predict"}),
        ("tf.train.Example().", {"features", "SerializeToString"}),
        ("tf.compat.v1.", {"Session", "placeholder", "nn"}),
        ("tf.raw_ops.Mat", {"MatMul"}),
    ],
)
def test_attributes_are_offered(code, expected, project):
    assert expected <= {found.name for found in script(code, project).complete()}
