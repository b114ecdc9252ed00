"""`tensorflow.python.tools.saved_model_cli`: flags and commands."""

import subprocess
import sys

import pytest
from absl import flags

import penstock as tf
from penstock._src.bridge.python.framework.meta_graph import ops_used_by_graph_def
from penstock._src.bridge.python.tools import saved_model_cli
from penstock._src.core.errors import UnimplementedError


@pytest.fixture
def call(capsys):
    def run(*arguments):
        flags.FLAGS.unparse_flags()
        flags.FLAGS(["saved_model_cli", *arguments])
        saved_model_cli.create_parser().parse_args([arguments[0]]).func()
        return capsys.readouterr().out

    yield run
    for flag in ("dir", "tag_set", "signature_def", "input_exprs", "tf_debug"):
        flags.FLAGS[flag].unparse()


@pytest.fixture
def model(tmp_path):
    made = tf.Module()
    made.double = tf.function(lambda x: x * 2.0, [tf.TensorSpec([], tf.float32, "x")])
    tf.saved_model.save(made, str(tmp_path), made.double)
    return str(tmp_path)


def test_flags_select_what_is_shown_and_run(call, model):
    assert call("show", f"--dir={model}").endswith("'serve'\n")
    run = ["run", f"--dir={model}", "--tag_set=serve", "--signature_def=serving_default"]
    with pytest.raises(AttributeError, match="--input_exprs"):
        call(*run)
    assert call(*run, "--input_exprs=x=4.0") == "Result for output key output_0:\n8.0\n"
    with pytest.raises(UnimplementedError, match="--tf_debug"):
        call(*run, "--input_exprs=x=4.0", "--tf_debug")


@pytest.mark.parametrize(
    "command",
    [
        ["convert", "--dir=a", "--output_dir=b", "--tag_set=serve", "tensorrt"],
        ["freeze_model", "--dir=a", "--output_prefix=b", "--tag_set=serve"],
        ["aot_compile_cpu", "--dir=a", "--tag_set=serve", "--cpp_class=A"],
    ],
    ids=lambda command: command[0],
)
def test_commands_without_implementation_name_themselves(command):
    arguments = ["saved_model_cli", *command]
    program = (
        f"import sys; from {saved_model_cli.__name__} import main; sys.argv = {arguments}; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"UnimplementedError: saved_model_cli {command[0]}" in done.stderr


def test_main_refuses_missing_flags():
    done = subprocess.run(
        [sys.executable, "-m", saved_model_cli.__name__, "show"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "Flag --dir must have a value other than None" in done.stderr


def test_used_ops_are_those_of_called_functions_registered_or_not():
    graph = tf.compat.v1.GraphDef()
    graph.node.add(name="a", op="Unregistered")
    graph.node.add(name="b", op="PartitionedCall").attr["f"].func.name = "called"
    for name, op in (("called", "Add"), ("idle", "Mul")):
        function = graph.library.function.add()
        function.signature.name = name
        function.node_def.add(name="n", op=op)
    assert sorted(ops_used_by_graph_def(graph)) == ["Add", "PartitionedCall", "Unregistered"]
