"""`penstock saved-model`: what it prints and writes."""

import re

import numpy as np
import pytest

from penstock._src.bridge import cli

SERVING = ["--tag_set", "serve", "--signature_def", "serving_default"]

SIGNATURE = """\
The given SavedModel SignatureDef contains the following input(s):
  inputs['x'] tensor_info:
      dtype: DT_FLOAT
      shape: (-1)
      name: serving_default_x:0
The given SavedModel SignatureDef contains the following output(s):
  outputs['out'] tensor_info:
      dtype: DT_FLOAT
"""

FUNCTIONS = """
Concrete Functions:
  Function Name: 'branch'
    Option #1
      Callable with:
        Argument #1
          x: TensorSpec(shape=(None,), dtype=tf.float32, name='x')

  Function Name: 'concrete'
    Option #1
      Callable with:
        Argument #1
          x: TensorSpec(shape=(None,), dtype=tf.float32, name='x')

  Function Name: 'parse'
    Option #1
      Callable with:
        Argument #1
          examples: TensorSpec(shape=(None,), dtype=tf.string, name='examples')

  Function Name: 'scale'
    Option #1
      Callable with:
        Argument #1
          x: TensorSpec(shape=(1,), dtype=tf.float32, name='x')
        Argument #2
          DType: list
          Value: [3, 4, \b\b]
        Argument #3
          up
"""


@pytest.fixture
def saved_model(model, capsys):
    def command(name, *arguments):
        status = cli.main(["saved-model", name, "--dir", model, *arguments])
        shown = capsys.readouterr()
        assert status == (2 if shown.err else 0)
        return shown.err or shown.out

    return command


def test_show_tag_sets_and_keys(saved_model):
    assert saved_model("show").endswith("following tag-sets:\n'serve'\n")
    keys = saved_model("show", "--tag_set", "serve")
    assert keys.splitlines()[-2:] == [
        'SignatureDef key: "parse"',
        'SignatureDef key: "serving_default"',
    ]


def test_show_signature(saved_model):
    shown = saved_model("show", *SERVING)
    assert shown.startswith(SIGNATURE)
    assert shown.endswith("Method name is: tensorflow/serving/predict\n")


def test_show_all_ends_with_functions(saved_model):
    shown = saved_model("show", "--all")
    assert "\nsignature_def['serving_default']:\n  The given SavedModel" in shown
    assert shown.endswith(FUNCTIONS)


def test_show_refuses_unknown_names(saved_model):
    unknown = saved_model("show", "--tag_set", "gpu")
    assert re.search(r"tag-set gpu could not be found.*\['serve'\]", unknown)
    no_signature = saved_model("show", "--tag_set", "serve", "--signature_def", "none")
    assert "Could not find signature" in no_signature
    assert "at least one" in saved_model("show", "--tag_set", " , ", "--signature_def", "none")


def test_run_prints_and_writes_results(saved_model, tmp_path):
    call = ["run", *SERVING, "--input_exprs", "x=[1., 2.]", "--outdir", str(tmp_path / "new")]
    assert saved_model(*call) == (
        f"Result for output key out:\n[2. 3.]\nOutput out is saved to {tmp_path}/new/out.npy\n"
        f"Result for output key twice:\n[2. 4.]\nOutput twice is saved to {tmp_path}/new/twice.npy\n"
    )
    np.testing.assert_array_equal(np.load(tmp_path / "new" / "out.npy"), [2.0, 3.0])
    assert "already exists" in saved_model(*call)
    saved_model(*call, "--overwrite")


def test_run_on_examples(saved_model):
    examples = "examples=[{'a': [1.5]}, {'a': [2.5]}]"
    parse = ["--tag_set", "serve", "--signature_def", "parse", "--input_examples", examples]
    assert saved_model("run", *parse) == "Result for output key a:\n[[1.5]\n [2.5]]\n"


def test_run_refuses_unknown_inputs(saved_model):
    refused = saved_model("run", *SERVING, "--input_exprs", "y=1")
    assert '"y" is not a valid input key. Please choose from "x"' in refused


def test_run_refuses_pickles_without_consent(saved_model, tmp_path):
    np.array([1.0], np.float32).dump(tmp_path / "x.pkl")
    call = ["run", *SERVING, "--inputs", f"x={tmp_path}/x.pkl"]
    assert "--allow_pickle" in saved_model(*call)
    assert "[2.]" in saved_model(*call, "--allow_pickle")


def test_scan_looks_into_branches(saved_model):
    assert saved_model("scan") == (
        "MetaGraph with tag set ['serve'] contains the following denylisted ops: {'WriteFile'}\n"
    )
    assert saved_model("scan", "--op_denylist", "VarHandleOp", "--tag_set", "serve") == (
        "MetaGraph with tag set ['serve'] does not contain the default denylisted ops: "
        "{'VarHandleOp'}\n"
    )
