"""Initialization of compat.v1 variables from a checkpoint."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from penstock._src.core.dispatch import STATE, building, executing_eagerly
from penstock._src.core.registry import raw
from penstock._src.saving.state import latest_checkpoint, load_checkpoint
from penstock._src.util.export import export
from penstock._src.v1.variables.collections import GraphKeys


def variables_by_name() -> dict[str, Any]:
    """The variables of the graph by name: of a partitioned one, the list of its parts."""
    variables: dict[str, Any] = {}
    graph = STATE.graph
    for variable in graph.get_collection(GraphKeys.GLOBAL_VARIABLES) if graph is not None else ():
        part = part_of(variable)
        if part is None:
            variables[variable.name.removesuffix(":0")] = variable
        else:
            variables.setdefault(part.full_name, []).append(variable)
    return variables


def part_of(variable: Any) -> Any:
    """Return which shard of a larger variable this one is; None for a whole one."""
    return getattr(variable, "_get_save_slice_info", lambda: None)()


def _begin_with_tensor(variable: Any, path: str, key: str) -> None:
    """Makes a variable begin with a tensor of the checkpoint, or with its part of it."""
    part = part_of(variable)
    read = functools.partial(
        raw.RestoreV2,
        prefix=path,
        tensor_names=[key],
        shape_and_slices=["" if part is None else part.spec],
        dtypes=[variable.dtype.base_dtype],
        name="checkpoint_initializer",
    )
    begin_with(variable, lambda: read()[0])


def begin_with(variable: Any, read: Callable[[], Any]) -> None:
    """Makes a function's result the initial value of a variable; an eager one gets it at once."""
    if executing_eagerly():
        variable.assign(read())
        return
    with building(variable.graph), variable.graph.control_dependencies(None):
        value = read()
        value.set_shape(variable.shape)
        assigned = raw.AssignVariableOp(resource=variable.handle, value=value)
        variable._initializer, variable._initial_value = assigned, value


@export(v1=["train.init_from_checkpoint"])
def init_from_checkpoint(ckpt_dir_or_file: Any, assignment_map: Any) -> None:
    """Makes the initializers of variables read a checkpoint; eager variables are assigned at once.

    Args:
      ckpt_dir_or_file: the checkpoint, or a folder, whose latest checkpoint is used.
      assignment_map: {name in the checkpoint: name of a variable, or the variable, or the list of a
        partitioned variable's parts} or {"scope/": "other_scope/"}; or pairs of them.

    Raises:
      ValueError: the checkpoint does not have the tensor, or has another shape for it.
    """
    reader = load_checkpoint(ckpt_dir_or_file)
    path = path_of(ckpt_dir_or_file)
    shapes = reader.get_variable_to_shape_map()
    variables = variables_by_name()
    pairs = assignment_map.items() if isinstance(assignment_map, Mapping) else assignment_map
    for key, target in pairs:
        if not isinstance(target, str):
            _assign(key, target, path, shapes)
        elif target in variables:
            _assign(key, variables[target], path, shapes)
        elif key.endswith("/"):
            inner, outer = ("" if name == "/" else name for name in (key, _scope(target)))
            for name in sorted(variables):
                if name.startswith(outer):
                    _assign(inner + name[len(outer) :], variables[name], path, shapes)
        else:
            raise ValueError(
                f"Assignment map with scope only name {target.rpartition('/')[0]} should map to "
                f"scope only {key}. Should be 'scope/': 'other_scope/'."
            )


def _scope(name: str) -> str:
    """The scope of a name, with a slash."""
    return "/" if "/" not in name else name.rpartition("/")[0] + "/"


def path_of(ckpt_dir_or_file: Any) -> str:
    """The path of a checkpoint, or of the latest of a folder."""
    latest = latest_checkpoint(ckpt_dir_or_file)
    return str(ckpt_dir_or_file) if latest is None else latest


def _assign(key: str, variable: Any, path: str, shapes: Mapping[str, Any]) -> None:
    if key not in shapes:
        raise ValueError(f"Tensor {key} is not found in {path} checkpoint {dict(shapes)}")
    if isinstance(variable, (list, tuple)):
        names = {part._get_save_slice_info().full_name for part in variable}
        if len(names) > 1:
            raise ValueError(f"Slices must all be from the same tensor: {sorted(names)}")
        for part in variable:
            _begin_with_tensor(part, path, key)
        return
    if not variable.shape.is_compatible_with(shapes[key]):
        raise ValueError(
            f"Shape of variable {variable.name} ({variable.shape}) doesn't match with shape of "
            f"tensor {key} ({list(shapes[key])}) from checkpoint reader."
        )
    _begin_with_tensor(variable, path, key)
