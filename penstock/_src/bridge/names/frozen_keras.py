"""TensorFlow's private copy of Keras 2, `tensorflow.python.keras`: the package tf_keras where it is installed.

tf_keras went on from that copy: most modules are still at the same path below `tf_keras.src`. `MOVED` has those that became packages of smaller files, or
went elsewhere. A module that is one of tf_keras's is that module itself, so what is replaced in it is replaced for all; of several, and for a package with
such modules in it, it is a view, whose names are looked up in them in order. What TensorFlow's copy has and tf_keras dropped (loss scales, `optimizer_v2.utils` of older names) is not found.
"""

from __future__ import annotations

import importlib
import importlib.util
import types
from typing import Any

from penstock._src.util.lazy import NamedModule

ROOT = "python.keras"
PACKAGE = "tf_keras"
SOURCES = PACKAGE + ".src"
HINT = "`pip install six requests wrapt && pip install --no-deps tf_keras`"

_OPTIMIZERS = "optimizers.legacy"
_LAYERS = "layers.core layers.core.tf_op_layer"
_CONVOLUTIONS = "layers.convolutional " + " ".join(
    f"layers.convolutional.{name}"
    for name in (
        "base_conv base_depthwise_conv base_separable_conv conv1d conv1d_transpose conv2d "
        "conv2d_transpose conv3d conv3d_transpose depthwise_conv2d separable_conv1d separable_conv2d"
    ).split()
)
_POOLING = "layers.pooling " + " ".join(
    f"layers.pooling.{name}"
    for name in (
        "base_pooling1d base_pooling2d base_pooling3d base_global_pooling1d base_global_pooling2d base_global_pooling3d"
    ).split()
)
_CELLS = "layers.rnn.legacy_cells"
_RNN = (
    "layers.rnn layers.rnn.rnn_utils layers.rnn.dropout_rnn_cell_mixin layers.rnn.abstract_rnn_cell "
    "layers.rnn.gru layers.rnn.lstm layers.rnn.simple_rnn layers.rnn.stacked_rnn_cells"
)
# A path below `python.keras`: the paths below `tf_keras.src` whose names it has.
MOVED = {
    "engine.base_layer": "engine.base_layer engine.input_spec",
    "engine.base_layer_v1": "engine.base_layer_v1 engine.input_spec engine.node",
    "engine.compile_utils": "engine.compile_utils utils.losses_utils",
    "engine.training": "engine.training saving.legacy.save",
    "initializers.initializers_v2": "initializers.initializers",
    "layers.advanced_activations": "layers.activation",
    "layers.convolutional": _CONVOLUTIONS,
    "layers.convolutional_recurrent": (
        "layers.rnn.base_conv_rnn layers.rnn.base_conv_lstm layers.rnn.conv_lstm1d layers.rnn.conv_lstm2d layers.rnn.conv_lstm3d"
    ),
    "layers.core": _LAYERS,
    "layers.dense_attention": (
        "layers.attention layers.attention.base_dense_attention layers.attention.attention layers.attention.additive_attention"
    ),
    "layers.embeddings": "layers.core.embedding",
    "layers.legacy_rnn": "layers.rnn",
    "layers.legacy_rnn.rnn_cell_impl": f"{_CELLS} layers.rnn.legacy_cell_wrappers",
    "layers.legacy_rnn.rnn_cell_wrapper_impl": "layers.rnn.cell_wrappers layers.rnn.legacy_cell_wrappers",
    "layers.merge": "layers.merging layers.merging.base_merge",
    "layers.pooling": _POOLING,
    "layers.recurrent": f"{_RNN} layers.rnn.base_rnn layers.rnn.gru_v1 layers.rnn.lstm_v1",
    "layers.recurrent_v2": f"{_RNN} layers.rnn.gru_lstm_utils",
    "layers.rnn_cell_wrapper_v2": "layers.rnn.cell_wrappers",
    "layers.wrappers": "layers.rnn.base_wrapper layers.rnn.bidirectional layers.rnn.time_distributed",
    "metrics": "metrics metrics.base_metric metrics.confusion_metrics",
    "models": "models models.cloning",
    "legacy_tf_layers.base": "legacy_tf_layers.base engine.input_spec",
    "optimizer_v1": "optimizers.optimizer_v1",
    "optimizer_v2": _OPTIMIZERS,
    "optimizer_v2.learning_rate_schedule": "optimizers.schedules.learning_rate_schedule",
    "optimizer_v2.legacy_learning_rate_decay": "optimizers.legacy_learning_rate_decay",
    "optimizer_v2.utils": "optimizers.utils",
    **{
        f"optimizer_v2.{name}": f"{_OPTIMIZERS}.{name}"
        for name in "adadelta adagrad adam adamax ftrl gradient_descent nadam optimizer_v2 rmsprop".split()
    },
    "saving.hdf5_format": "saving.legacy.hdf5_format",
    "saving.model_config": "saving.legacy.model_config",
    "saving.save": "saving.legacy.save",
    "utils.generic_utils": (
        "utils.generic_utils saving.object_registration saving.legacy.serialization saving.serialization_lib"
    ),
    # TensorFlow's own copy has had no such files for years; libraries that ask for them were written for Keras.
    "engine.network": "engine.functional",
    "engine.topology": "engine.base_layer engine.input_layer engine.node",
    "layers.normalization_v2": "layers.normalization.batch_normalization",
}


class View(NamedModule):
    """A module whose names are those of several others.

    Args:
      name: its own.
      moved: the names in it that are modules of `MOVED`, or packages with such modules.
      parts: the modules, in the order in which other names are looked up.
    """

    def __init__(self, name: str, moved: frozenset[str], parts: list[types.ModuleType]) -> None:
        super().__init__(name, f"TensorFlow's private {name}, as the package tf_keras has it.")
        self.__dict__.update(__path__=[], _moved=moved, _parts=parts)

    def _holder(self, attribute: str) -> types.ModuleType | None:
        return next((part for part in self._parts if attribute in vars(part)), None)

    def __getattr__(self, attribute: str) -> Any:
        if attribute in self._moved:
            return importlib.import_module(f"{self.__name__}.{attribute}")
        holder = None if attribute.startswith("__") else self._holder(attribute)
        if holder is None:
            raise AttributeError(
                f"module {self.__name__!r} has no attribute {attribute!r}, nor has the package tf_keras, which Penstock has in its place."
            )
        return getattr(holder, attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        """Sets a name where it stands, so that replacing a function reaches those that call it."""
        is_own = attribute.startswith("__") or isinstance(value, types.ModuleType)
        holder = None if is_own else self._holder(attribute)
        if holder is None:
            super().__setattr__(attribute, value)
        else:
            setattr(holder, attribute, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for part in self._parts for name in dir(part))})


def is_path(path: str) -> bool:
    """True if this path below `tensorflow` is in the copy of Keras 2."""
    return path == ROOT or path.startswith(ROOT + ".")


def is_known(path: str) -> bool:
    """True if tf_keras is installed and has a module for a path of the copy, such as `python.keras.backend`."""
    return is_path(path) and is_installed() and all(_exists(source) for source in _sources_of(path))


def is_installed() -> bool:
    """True if the package tf_keras is."""
    return _exists(PACKAGE)


def module(path: str, name: str) -> types.ModuleType:
    """Returns the module of tf_keras for a path of the copy, or a view of several.

    Args:
      path: such as `python.keras.layers.pooling`.
      name: of a view.
    """
    parts = [importlib.import_module(source) for source in _sources_of(path)]
    start = f"{_inside(path)}.".lstrip(".")
    within = (each.removeprefix(start) for each in MOVED if each.startswith(start))
    moved = frozenset(each.partition(".")[0] for each in within)
    return parts[0] if len(parts) == 1 and not moved else View(name, moved, parts)


def why_not(path: str) -> str:
    """Returns why a path of the copy is not found."""
    return (
        f"tensorflow.{path} is TensorFlow's private copy of Keras 2, in whose place Penstock has the package tf_keras: "
        + ("its version that is installed has no such module." if is_installed() else f"{HINT}.")
    )


def _sources_of(path: str) -> list[str]:
    inside = _inside(path)
    if inside.startswith("saving.saved_model"):  # one folder as it was
        inside = inside.replace("saving.", "saving.legacy.", 1)
    return [f"{SOURCES}.{each}" for each in MOVED.get(inside, inside).split()] or [SOURCES]


def _inside(path: str) -> str:
    return path.removeprefix(ROOT).removeprefix(".")


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError as error:
        # An error of a package in between; if tf_keras itself lacks something, the error is raised.
        if not (error.name or "").startswith(PACKAGE):
            raise
        return False
    except ValueError:  # `sys.modules` has None for it
        return False
