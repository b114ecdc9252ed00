"""Initialization of compat.v1 variables from a checkpoint."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from penstock._src.core.dispatch import STATE, building
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.saving.state import latest_checkpoint, load_checkpoint
from penstock._src.util.export import export
from penstock._src.v1.variables.collections import GraphKeys


def _variables() -> dict[str, Any]:
    """The variables of the graph by name."""
    graph = STATE.graph
    if graph is None:
        raise RuntimeError("Variables begin with values of a checkpoint in graphs only.")
    known = graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
    return {variable.name.removesuffix(":0"): variable for variable in known}


def _begin_with(variable: Any, path: str, key: str) -> None:
    """Makes the initializer of a variable read the checkpoint."""
    with building(variable.graph), variable.graph.control_dependencies(None):
        (value,) = raw.RestoreV2(
            prefix=path,
            tensor_names=[key],
            shape_and_slices=[""],
            dtypes=[variable.dtype.base_dtype],
            name="checkpoint_initializer",
        )
        value.set_shape(variable.shape)
        assigned = raw.AssignVariableOp(resource=variable.handle, value=value)
        variable._initializer, variable._initial_value = assigned, value


@export(v1=["train.init_from_checkpoint"])
def init_from_checkpoint(ckpt_dir_or_file: Any, assignment_map: Any) -> None:
    """Makes the initializers of variables read a checkpoint.

    Args:
      ckpt_dir_or_file: the checkpoint, or a folder, whose latest checkpoint is used.
      assignment_map: {name in the checkpoint: name of a variable, or the variable} or
        {"scope/": "other_scope/"}; or pairs of them.

    Raises:
      ValueError: the checkpoint does not have the tensor, or has another shape for it.
    """
    reader = load_checkpoint(ckpt_dir_or_file)
    path = _path(ckpt_dir_or_file)
    shapes = reader.get_variable_to_shape_map()
    variables = _variables()
    pairs = assignment_map.items() if isinstance(assignment_map, Mapping) else assignment_map
    for key, target in pairs:
        if not isinstance(target, str):
            single = target[0] if isinstance(target, (list, tuple)) else target
            _assign(key, single, path, shapes)
        elif target in variables:
            _assign(key, variables[target], path, shapes)
        elif key.endswith("/") and target.endswith("/"):
            inner, outer = ("" if name == "/" else name for name in (key, target))
            for name, variable in variables.items():
                if name.startswith(outer):
                    _assign(inner + name[len(outer) :], variable, path, shapes)
        else:
            raise ValueError(
                f"Assignment map with scope only name {target.rpartition('/')[0]} should map to "
                f"scope only {key}. Should be 'scope/': 'other_scope/'."
            )


def _path(ckpt_dir_or_file: Any) -> str:
    found = latest_checkpoint(ckpt_dir_or_file)
    return str(ckpt_dir_or_file) if found is None else found


def _assign(key: str, variable: Any, path: str, shapes: Mapping[str, Any]) -> None:
    if key not in shapes:
        raise ValueError(f"Tensor {key} is not found in {path} checkpoint {dict(shapes)}")
    if not variable.shape.is_compatible_with(shapes[key]):
        raise ValueError(
            f"Shape of variable {variable.name} ({variable.shape}) doesn't match with shape of "
            f"tensor {key} ({list(shapes[key])}) from checkpoint reader."
        )
    _begin_with(variable, path, key)


class VocabInfo(NamedTuple):
    """The vocabularies of a variable's rows, in the checkpoint and now.

    Args:
      new_vocab: a file of words.
      new_vocab_size: how many of the words to use.
      num_oov_buckets: the number of rows for other words.
      old_vocab: the file of words in the checkpoint.
      old_vocab_size: how many of the words to use; -1 for all.
      backup_initializer: initializes the rows of new words.
      axis: 0 for rows, 1 for columns.
    """

    new_vocab: Any
    new_vocab_size: Any
    num_oov_buckets: Any
    old_vocab: Any
    old_vocab_size: Any = -1
    backup_initializer: Any = None
    axis: Any = 0


export(v1=["train.VocabInfo"])(VocabInfo)


@export(v1=["train.warm_start"])
def warm_start(
    ckpt_to_initialize_from: Any,
    vars_to_warm_start: Any = ".*",
    var_name_to_vocab_info: Mapping[str, Any] | None = None,
    var_name_to_prev_var_name: Mapping[str, str] | None = None,
) -> None:
    """Makes the initializers of selected variables read a checkpoint.

    Args:
      ckpt_to_initialize_from: the checkpoint, or a folder, whose latest checkpoint is used.
      vars_to_warm_start: a regular expression (or a list of them) for names of trainable variables, or a
        list of variables; None for only the variables with vocabularies.
      var_name_to_vocab_info: not supported.
      var_name_to_prev_var_name: {name: name in the checkpoint}, if they differ.
    """
    if var_name_to_vocab_info:
        raise UnimplementedError("warm_start: `var_name_to_vocab_info` is not supported.")
    earlier = var_name_to_prev_var_name or {}
    for variable in _chosen(vars_to_warm_start):
        name = variable.name.removesuffix(":0")
        init_from_checkpoint(ckpt_to_initialize_from, {earlier.get(name, name): variable})


def _chosen(given: Any) -> list[Any]:
    if given is None:
        return []
    variables = _variables()
    if not isinstance(given, str) and given and not isinstance(given[0], str):
        return list(given)
    if not isinstance(given, str):  # regular expressions match any variable
        return [v for name, v in variables.items() if any(re.match(one, name) for one in given)]
    trainable = STATE.graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)
    return [v for v in trainable if re.match(given, v.name)]
