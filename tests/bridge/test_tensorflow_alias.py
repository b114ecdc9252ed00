"""The stand-in: `tensorflow` means Penstock only after it was asked for."""

import subprocess
import sys


def run(code):
    """The output of `code` in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_importing_penstock_leaves_tensorflow_alone():
    assert run("import sys, penstock; print('tensorflow' in sys.modules)") == ["False"]


def test_public_and_private_paths_are_penstocks():
    out = run(
        "import penstock; penstock.install_as_tensorflow()\n"
        "import tensorflow as tf, tensorflow.math\n"
        "from tensorflow.python.framework import tensor_util\n"
        "from tensorflow.python.ops.math_ops import is_nan\n"
        "print(tf is penstock, tensorflow.math is penstock.math)\n"
        "print(tensor_util.is_tf_type(tf.constant(1.)), is_nan is tf.math.is_nan)"
    )
    assert out == ["True"] * 4


def test_an_unknown_private_path_is_no_module():
    code = (
        "import penstock; penstock.install_as_tensorflow()\n"
        "try:\n    import tensorflow.python.nowhere\n"
        "except ModuleNotFoundError as e:\n    print('missing')"
    )
    assert run(code) == ["missing"]
