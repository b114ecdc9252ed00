"""tf.compat.v1.train.warm_start: variables initialized from a checkpoint. Rows may be reordered for another vocabulary."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.filesystems.files import read
from penstock._src.saving.state import load_checkpoint
from penstock._src.saving.views import keys_by_name
from penstock._src.util.export import export
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.saving.initialized import (
    begin_with,
    init_from_checkpoint,
    part_of,
    path_of,
)
from penstock._src.v1.variables.collections import GraphKeys
from penstock._src.v1.variables.partitioned import PartitionedVariable


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
    var_name_to_vocab_info: Mapping[str, VocabInfo] | None = None,
    var_name_to_prev_var_name: Mapping[str, str] | None = None,
) -> None:
    """Makes the initializers of selected variables read a checkpoint.

    Args:
      ckpt_to_initialize_from: the checkpoint, or a folder, whose latest checkpoint is used.
      vars_to_warm_start: a regular expression (or a list of them) for names of trainable variables, or a
        list of variables; None for only the variables with vocabularies.
      var_name_to_vocab_info: {name: the vocabularies of the variable, if they differ}.
      var_name_to_prev_var_name: {name: name in the checkpoint}, if they differ.

    Raises:
      ValueError: a name is of no variable that is selected.
    """
    vocabularies, earlier = var_name_to_vocab_info or {}, var_name_to_prev_var_name or {}
    groups = _chosen(vars_to_warm_start)
    for options, label in (
        (vocabularies, "var_name_to_vocab_info"),
        (earlier, "var_name_to_prev_var_name"),
    ):
        unused = sorted(set(options) - set(groups))
        if unused:
            raise ValueError(f"You provided {label} for {unused}, which are not warm-started.")
    renamed = keys_by_name(ckpt_to_initialize_from)
    for name, variable in groups.items():
        previous = earlier.get(name, name)
        previous = renamed.get(previous, previous)
        if name in vocabularies:
            info = vocabularies[name]
            begin_with_words(variable, info, ckpt_to_initialize_from, previous)
        elif vars_to_warm_start is not None:
            init_from_checkpoint(ckpt_to_initialize_from, {previous: variable})


def _chosen(names: Any) -> dict[str, Any]:
    """The variables to start by name; of a partitioned one, the list of its parts."""
    graph = get_default_graph()
    if names is None or isinstance(names, str):
        pattern = re.compile(names or "")
        chosen = [
            v for v in graph.get_collection(GraphKeys.TRAINABLE_VARIABLES) if pattern.match(v.name)
        ]
    elif names and isinstance(names[0], str):
        every = graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
        patterns = [re.compile(one) for one in names]
        chosen = [v for v in every if any(pattern.match(v.name) for pattern in patterns)]
        unknown = [p.pattern for p in patterns if not any(p.match(v.name) for v in every)]
        if unknown:
            raise ValueError(f"No variables match {unknown}.")
    else:
        chosen = list(names)
    groups: dict[str, Any] = {}
    for variable in chosen:
        if part_of(variable) is None or isinstance(variable, list):
            groups[name_of(variable)] = variable
        else:
            groups.setdefault(name_of(variable), []).append(variable)
    return groups


def name_of(variable: Any) -> str:
    """The name of a variable, or of the whole that it is a part of.

    Raises:
      TypeError: it is neither a variable nor a list of the parts of one.
    """
    parts = parts_of(variable)
    part = part_of(parts[0])
    return parts[0].name.removesuffix(":0") if part is None else part.full_name


def parts_of(variable: Any) -> list[Any]:
    """The parts of a variable: itself, if it is whole.

    Raises:
      TypeError: it is neither a variable nor a list of the parts of one.
    """
    parts = list(variable) if isinstance(variable, list | PartitionedVariable) else [variable]
    if not parts or not all(hasattr(part, "handle") for part in parts):
        raise TypeError(f"Expected a variable or the list of a variable's parts, got {variable}.")
    if len(parts) > 1 and any(part_of(part) is None for part in parts):
        raise TypeError(f"The variables {parts} are not parts of one.")
    return parts


def begin_with_words(variable: Any, info: VocabInfo, checkpoint: Any, previous: str) -> None:
    """Makes a matrix begin with the rows (or columns) that a checkpoint has for its words.

    Args:
      variable: the variable, or the parts of it.
      info: the words of its rows, or columns, and of those in the checkpoint.
      checkpoint: the checkpoint, or its folder.
      previous: the name of the matrix there.

    Raises:
      ValueError: there is no such vocabulary, or the matrix is none.
    """
    if not info.new_vocab or not info.old_vocab:
        raise ValueError("Warm-starting by vocabulary needs the files of both vocabularies.")
    path = path_of(checkpoint)
    new = _words(info.new_vocab, info.new_vocab_size)
    old = {word: at for at, word in enumerate(_words(info.old_vocab, info.old_vocab_size))}
    rows = load_checkpoint(checkpoint).get_variable_to_shape_map()[previous][0]
    for part in parts_of(variable):
        shape, start = part.shape.as_list(), [0, 0]
        if part_of(part) is not None:
            start = list(part_of(part).var_offset)
        places = [np.arange(s, s + n, dtype=np.int64) for s, n in zip(start, shape, strict=True)]
        wanted = places[info.axis]
        places[info.axis] = np.array(
            [old.get(new[at], -1) if at < len(new) else -1 for at in wanted], np.int64
        )
        if info.axis == 1:
            places[0] = np.where(places[0] < rows, places[0], -1)
        begin_with(part, lambda p=part, x=places: _remapped(p, x, path, previous, info))


def _remapped(part: Any, places: Sequence[np.ndarray], path: str, key: str, info: VocabInfo) -> Any:
    """Return the matrix with the rows and columns of a checkpoint at the indices `places`; -1 marks new ones."""
    present = int(np.prod([np.count_nonzero(p >= 0) for p in places]))
    missing = part.shape.num_elements() - present
    fresh = np.zeros([missing], np.float32)
    if info.backup_initializer is not None and missing:
        backup = info.backup_initializer([missing, 1], dtype=part.dtype.base_dtype)
        fresh = raw.Reshape(tensor=backup, shape=[-1])
    return raw.LoadAndRemapMatrix(
        ckpt_path=path,
        old_tensor_name=key,
        row_remapping=places[0],
        col_remapping=places[1],
        initializing_values=fresh,
        num_rows=len(places[0]),
        num_cols=len(places[1]),
    )


def _words(path: Any, count: int) -> list[str]:
    """The first `count` lines of a file; all for -1."""
    lines = read(os.fsdecode(path)).decode().splitlines()
    return lines if count == -1 else lines[:count]
