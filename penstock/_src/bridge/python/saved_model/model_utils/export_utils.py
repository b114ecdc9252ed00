"""`tensorflow.python.saved_model.model_utils.export_utils`: the signatures of a model's outputs, and folders of exports."""

import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.saving.saved_model import constants
from penstock._src.util import nest
from penstock._src.v1.saving.signature_defs import (
    get_tensor_from_tensor_info,
    is_valid_signature,
)

from .. import signature_constants, tag_constants
from . import mode_keys
from .export_output import EvalOutput, ExportOutput, PredictOutput, TrainOutput

EXPORT_TAG_MAP = mode_keys.ModeKeyMap(
    predict=[constants.SERVING], train=[constants.TRAINING], test=[tag_constants.EVAL]
)
SIGNATURE_KEY_MAP = mode_keys.ModeKeyMap(
    predict=constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY,
    train=signature_constants.DEFAULT_TRAIN_SIGNATURE_DEF_KEY,
    test=signature_constants.DEFAULT_EVAL_SIGNATURE_DEF_KEY,
)
SINGLE_FEATURE_DEFAULT_NAME = "feature"
SINGLE_RECEIVER_DEFAULT_NAME = "input"
SINGLE_LABEL_DEFAULT_NAME = "label"
MAX_DIRECTORY_CREATION_ATTEMPTS = 10

log = logging.getLogger("tensorflow")


def build_all_signature_defs(
    receiver_tensors: Any,
    export_outputs: Any,
    receiver_tensors_alternatives: Any = None,
    serving_only: bool = True,
) -> dict[str, Any]:
    """Returns the SignatureDefs of all outputs by name; those that the inputs do not suffice for are left out.

    Args:
      receiver_tensors: an input, or inputs by name.
      export_outputs: ExportOutputs by name.
      receiver_tensors_alternatives: other inputs by name, each for signatures `<name>:<output>`.
      serving_only: whether only signatures for serving are returned.

    Raises:
      ValueError: `export_outputs` is not a dict.
    """
    if not isinstance(export_outputs, dict):
        raise ValueError(
            f"`export_outputs` must be a dict. Received {export_outputs} with type {type(export_outputs).__name__}."
        )
    groups = {"": receiver_tensors}
    for name, receivers in (receiver_tensors_alternatives or {}).items():
        groups[f"{name or 'None'}:"] = receivers
    signatures: dict[str, Any] = {}
    for prefix, receivers in groups.items():
        named_receivers = (
            receivers if isinstance(receivers, dict) else {SINGLE_RECEIVER_DEFAULT_NAME: receivers}
        )
        for key, output in export_outputs.items():
            name = f"{prefix}{key or 'None'}"
            try:
                signatures[name] = _servable(named_receivers, output)
            except ValueError as error:
                log.info("The signature '%s' is not exported: %s", name, error)
    if constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY not in signatures:
        log.warning("Export includes no default signature!")
    return {n: s for n, s in signatures.items() if not serving_only or is_valid_signature(s)}


def _servable(receivers: Mapping[str, Any], output: Any) -> Any:
    """The signature of an output.

    Raises:
      ValueError: the output depends on a placeholder that is not an input.
    """
    signature = output.as_signature_def(receivers)
    inputs = nest.flatten(list(receivers.values()), expand_composites=True)
    graph = STATE.graph
    results = nest.flatten(
        [get_tensor_from_tensor_info(info, graph) for info in signature.outputs.values()],
        expand_composites=True,
    )
    for operation in needed_operations(graph, inputs, results, []):
        if operation.type == "Placeholder":
            raise ValueError(
                f"The signature's input tensors {[t.name for t in inputs]} are insufficient to compute its output keys "
                f"{list(signature.outputs)} (respectively, tensors {[t.name for t in results]}) because of the dependency "
                f"on `{operation.name}` which is not given as a signature input."
            )
    return signature


def get_timestamped_export_dir(export_dir_base: Any) -> bytes:
    """Returns the path of a folder that does not exist yet, named after the time in seconds.

    Raises:
      RuntimeError: other processes took the name each time.
    """
    for _ in range(MAX_DIRECTORY_CREATION_ATTEMPTS):
        folder = os.path.join(os.fsencode(export_dir_base), str(int(time.time())).encode())
        if not os.path.exists(folder):
            return folder
        time.sleep(1)
    raise RuntimeError(
        f"Failed to obtain a unique export directory name after {MAX_DIRECTORY_CREATION_ATTEMPTS} attempts."
    )


def get_temp_export_dir(timestamped_export_dir: Any) -> bytes:
    """Returns the path with "temp-" before its last part, which servers do not take for a version."""
    folder, name = os.path.split(os.fsencode(timestamped_export_dir))
    return os.path.join(folder, b"temp-" + name)


def export_outputs_for_mode(
    mode: str,
    serving_export_outputs: Any = None,
    predictions: Any = None,
    loss: Any = None,
    metrics: Any = None,
) -> dict[str, Any]:
    """Returns the ExportOutputs of a mode by the names of their signatures.

    Args:
      mode: "train", "test" or "predict", or the estimators' name of one.
      serving_export_outputs: those for predictions, by name.
      predictions: tensors by name.
      loss: a tensor, or tensors by name.
      metrics: pairs (value, update operation) by name.

    Raises:
      ValueError: there is no such mode.
    """
    key = SIGNATURE_KEY_MAP[mode]
    if mode_keys.is_predict(mode):
        return get_export_outputs(serving_export_outputs, predictions)
    kind = TrainOutput if mode_keys.is_train(mode) else EvalOutput
    return {key: kind(loss=loss, predictions=predictions, metrics=metrics)}


def get_export_outputs(export_outputs: Any, predictions: Any) -> dict[str, Any]:
    """Returns the ExportOutputs with a default one for serving: those given, or one of the predictions.

    Raises:
      TypeError: they are not a dict of ExportOutputs.
      ValueError: there are several, and none is the default.
    """
    default = constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    if export_outputs is None:
        export_outputs = {default: PredictOutput(predictions)}
    if not isinstance(export_outputs, dict):
        raise TypeError(f"`export_outputs` must be dict, received: {export_outputs}.")
    if not all(isinstance(output, ExportOutput) for output in export_outputs.values()):
        raise TypeError(
            f"Values in `export_outputs` must be ExportOutput objects, received: {export_outputs}."
        )
    if len(export_outputs) == 1:
        export_outputs.setdefault(default, *export_outputs.values())
    if export_outputs and default not in export_outputs:
        raise ValueError(
            "Multiple `export_outputs` were provided, but none of them are specified as the default. Use "
            "`tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY` to specify a default."
        )
    return export_outputs
