"""The stand-in: `tensorflow` means Penstock only after it was asked for."""

import subprocess
import sys

from tests.harness.processes import lean


def run(code):
    """The output of `code` in a fresh interpreter."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=lean(), capture_output=True, text=True, check=True)
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


def test_public_modules_stay_whole_after_imports_of_private_ones_below_them():
    out = run(
        "import penstock; penstock.install_as_tensorflow()\n"
        "import tensorflow as tf\n"
        "import tensorflow.lite.python.util\n"
        "from tensorflow.lite.python.interpreter import Interpreter\n"
        "print(tf.lite is penstock.lite, tf.lite.Interpreter is Interpreter)\n"
        "print(tf.lite.TFLiteConverter.__name__, hasattr(tf.lite, 'nothing'))"
    )
    assert out == ["True", "True", "TFLiteConverter", "False"]


# A package of the form of tf_keras.
PACKAGE = (
    "import sys, pathlib\n"
    "root = pathlib.Path(sys.argv[1]) / 'tf_keras' / 'src'\n"
    "(root / 'utils').mkdir(parents=True)\n"
    "for name in ('../__init__.py', '__init__.py', 'backend.py', 'utils/__init__.py', 'utils/conv_utils.py'):\n"
    "    (root / name).write_text('')\n"
    "sys.path.insert(0, sys.argv[1])\n"
)


def frozen(code, *args):
    """What `code` prints where the modules of TensorFlow's copy of Keras 2 are imported."""
    start = "import penstock; penstock.install_as_tensorflow()\n"
    done = subprocess.run(
        [sys.executable, "-c", code.format(start=start), *args],
        env=lean(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_copy_of_keras_2_is_tf_keras(tmp_path):
    code = PACKAGE + (
        "{start}from tensorflow.python.keras import backend\n"
        "from tensorflow.python.keras.utils import conv_utils\n"
        "import tf_keras.src.backend\n"
        "print(backend is tf_keras.src.backend, conv_utils.__name__)\n"
        "try: import tensorflow.python.keras.nowhere\n"
        "except ModuleNotFoundError as e: print('no such module' in str(e))"
    )
    assert frozen(code, str(tmp_path)) == ["True", "tf_keras.src.utils.conv_utils", "True"]


def test_files_of_keras_2_that_tf_keras_moved_or_split_are_found(tmp_path):
    code = PACKAGE + (
        "pooling = root / 'layers' / 'pooling'\n"
        "legacy = root / 'optimizers' / 'legacy'\n"
        "for folder in (pooling, legacy): folder.mkdir(parents=True)\n"
        "for folder in (pooling, legacy, pooling.parent, legacy.parent): (folder / '__init__.py').write_text('')\n"
        "for n in 1, 2, 3:\n"
        "    (pooling / f'base_pooling{{n}}d.py').write_text(f'class Pooling{{n}}D: pass')\n"
        "    (pooling / f'base_global_pooling{{n}}d.py').write_text('')\n"
        "(legacy / 'adam.py').write_text('class Adam: pass')\n"
        "{start}from tensorflow.python.keras.layers import pooling\n"
        "from tensorflow.python.keras.optimizer_v2 import adam\n"
        "from tf_keras.src.layers.pooling import base_pooling2d\n"
        "print(adam.__name__, pooling.Pooling2D is base_pooling2d.Pooling2D)\n"
        "pooling.Pooling2D = 3\n"
        "print(base_pooling2d.Pooling2D, hasattr(pooling, 'nothing'), 'Pooling3D' in dir(pooling))"
    )
    assert frozen(code, str(tmp_path)) == [
        "tf_keras.src.optimizers.legacy.adam",
        *("True", "3", "False", "True"),
    ]


def test_a_name_that_a_module_of_keras_2_lacks_is_no_failed_import(tmp_path):
    code = PACKAGE + (
        "{start}from tensorflow.python.keras.saving import saving_utils\n"
        "print(hasattr(saving_utils, 'nothing'))"
    )
    assert frozen(code, str(tmp_path)) == ["False"]


def test_without_tf_keras_it_is_said_what_to_install():
    code = (
        "import sys; sys.modules['tf_keras'] = None\n"
        "{start}try: import tensorflow.python.keras.backend\n"
        "except ModuleNotFoundError as e: print('`pip install six requests wrapt && pip install --no-deps tf_keras`' in str(e), e.name)"
    )
    assert frozen(code) == ["True", "tensorflow.python.keras.backend"]


def test_versions_nest_in_version_1():
    out = run(
        "import penstock; penstock.install_as_tensorflow()\n"
        "import tensorflow.compat.v1 as tf\n"
        "from tensorflow.compat.v1.compat.v1 import assign\n"
        "from tensorflow.compat.v1.compat.v2 import function\n"
        "print(tf.compat.v1.assign is assign is tf.assign, function.__name__, tf.compat.v1.compat.v1.Event.__name__)"
    )
    assert out == ["True", "function", "Event"]
