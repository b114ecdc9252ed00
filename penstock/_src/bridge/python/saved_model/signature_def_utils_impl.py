"""`tensorflow.python.saved_model.signature_def_utils_impl`: signatures of training steps, and of operations."""

from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import NotFoundError
from penstock._src.proto.saved import TensorInfo
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.saving.signature_defs import build_signature_def, build_tensor_info

from .signature_constants import SUPERVISED_EVAL_METHOD_NAME, SUPERVISED_TRAIN_METHOD_NAME


def _supervised(method: str, inputs: Any, *groups: Any) -> Any:
    if not inputs:
        raise ValueError(f"{method} `inputs` cannot be None or empty.")
    outputs = {key: build_tensor_info(t) for group in groups for key, t in (group or {}).items()}
    return build_signature_def(
        {key: build_tensor_info(t) for key, t in inputs.items()}, outputs, method
    )


def supervised_train_signature_def(
    inputs: Any, loss: Any, predictions: Any = None, metrics: Any = None
) -> Any:
    """Returns the SignatureDef of a training step: tensors by name."""
    return _supervised(SUPERVISED_TRAIN_METHOD_NAME, inputs, loss, predictions, metrics)


def supervised_eval_signature_def(
    inputs: Any, loss: Any, predictions: Any = None, metrics: Any = None
) -> Any:
    """Returns the SignatureDef of an evaluation step: tensors by name."""
    return _supervised(SUPERVISED_EVAL_METHOD_NAME, inputs, loss, predictions, metrics)


def build_tensor_info_from_op(op: Any) -> Any:
    """Returns a TensorInfo that holds only the name of an operation.

    Raises:
      RuntimeError: executing eagerly.
    """
    if STATE.graph is None:
        raise RuntimeError("`build_tensor_info_from_op` is not supported in eager execution.")
    info = TensorInfo(name=op.name)
    info.tensor_shape.unknown_rank = True
    return info


def op_signature_def(op: Any, key: str) -> Any:
    """Returns a SignatureDef whose output `key` is an operation."""
    return build_signature_def(outputs={key: build_tensor_info_from_op(op)})


def load_op_from_signature_def(
    signature_def: Any, key: str, import_scope: str | None = None
) -> Any:
    """Returns the operation or tensor of the current graph that a signature names.

    Raises:
      NotFoundError: the graph has none.
    """
    name = signature_def.outputs[key].name
    try:
        return get_default_graph().as_graph_element(
            f"{import_scope}/{name}" if import_scope else name
        )
    except KeyError:
        raise NotFoundError(
            None,
            None,
            f'The key "{key}" could not be found in the graph. Please make sure the SavedModel was created by the '
            "internal _SavedModelBuilder.",
        ) from None
