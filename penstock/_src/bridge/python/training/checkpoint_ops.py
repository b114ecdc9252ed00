"""`tensorflow.python.training.checkpoint_ops`: matrices of a checkpoint whose rows and columns stand for words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.v1.variables.initializers import TruncatedNormal, Zeros


def _load_and_remap_matrix(
    ckpt_path: Any,
    old_tensor_name: Any,
    new_row_vocab_offset: int,
    num_rows_to_load: int,
    new_col_vocab_size: int,
    initializer: Callable[..., Any],
    old_row_vocab_size: int = -1,
    old_row_vocab_file: Any = None,
    new_row_vocab_file: Any = None,
    old_col_vocab_file: Any = None,
    new_col_vocab_file: Any = None,
    num_row_oov_buckets: int = 0,
    num_col_oov_buckets: int = 0,
    max_rows_in_memory: int = -1,
) -> Tensor:
    """Returns rows of a matrix of a checkpoint for new words; an initializer fills what the old words do not have.

    Raises:
      ValueError: a number is negative, a vocabulary lacks its old or new file, or there is no vocabulary.
    """
    _check_buckets("num_row_oov_buckets", num_row_oov_buckets)
    _check_buckets("num_col_oov_buckets", num_col_oov_buckets)
    has_rows = _has_files("row", old_row_vocab_file, new_row_vocab_file)
    has_columns = _has_files("col", old_col_vocab_file, new_col_vocab_file)
    if not has_rows and not has_columns:
        raise ValueError(
            "Must provide either row or column vocab files. If no remapping is necessary, consider "
            "using `tf.contrib.framework.init_from_checkpoint` instead."
        )
    rows_present: Any = num_rows_to_load
    columns_present: Any = new_col_vocab_size
    rows = raw.Range(
        start=convert_to_tensor(new_row_vocab_offset, dtypes.int64),
        limit=convert_to_tensor(new_row_vocab_offset + num_rows_to_load, dtypes.int64),
        delta=convert_to_tensor(1, dtypes.int64),
    )
    columns = convert_to_tensor([], dtypes.int64)
    if has_rows:
        rows, rows_present = raw.GenerateVocabRemapping(
            new_vocab_file=new_row_vocab_file,
            old_vocab_file=old_row_vocab_file,
            new_vocab_offset=new_row_vocab_offset,
            num_new_vocab=num_rows_to_load,
            old_vocab_size=old_row_vocab_size,
        )
    if has_columns:
        columns, columns_present = raw.GenerateVocabRemapping(
            new_vocab_file=new_col_vocab_file,
            old_vocab_file=old_col_vocab_file,
            new_vocab_offset=0,
            num_new_vocab=new_col_vocab_size,
        )
    missing = num_rows_to_load * new_col_vocab_size - rows_present * columns_present
    loaded = raw.LoadAndRemapMatrix(
        ckpt_path=ckpt_path,
        old_tensor_name=old_tensor_name,
        row_remapping=rows,
        col_remapping=columns,
        initializing_values=initializer([missing, 1]),
        num_rows=num_rows_to_load,
        num_cols=new_col_vocab_size,
        max_rows_in_memory=max_rows_in_memory,
    )
    loaded = _extended(loaded, 0, initializer, [num_row_oov_buckets, new_col_vocab_size])
    height = num_rows_to_load + num_row_oov_buckets
    return _extended(loaded, 1, initializer, [height, num_col_oov_buckets])


def _extended(
    matrix: Tensor, axis: int, initializer: Callable[..., Any], shape: list[int]
) -> Tensor:
    """The matrix, followed along the axis by initial values of the shape; itself where they have no elements there."""
    if not shape[axis]:
        return matrix
    return raw.ConcatV2(values=[matrix, convert_to_tensor(initializer(shape))], axis=axis)


def _check_buckets(name: str, number: int) -> None:
    if number < 0:
        raise ValueError(f"{name} must be >= 0, but received {number}")


def _has_files(kind: str, old: Any, new: Any) -> bool:
    if bool(old) != bool(new):
        raise ValueError(
            f"old_{kind}_vocab_file and new_{kind}_vocab_file must both be specified or left "
            f"unspecified. old_{kind}_vocab_file='{old}', new_{kind}_vocab_file='{new}'"
        )
    return bool(old)


def _load_and_remap_matrix_initializer(
    ckpt_path: Any,
    old_tensor_name: Any,
    new_row_vocab_size: int,
    new_col_vocab_size: int,
    old_row_vocab_size: int = -1,
    old_row_vocab_file: Any = None,
    new_row_vocab_file: Any = None,
    old_col_vocab_file: Any = None,
    new_col_vocab_file: Any = None,
    num_row_oov_buckets: int = 0,
    num_col_oov_buckets: int = 0,
    initializer: Any = None,
    max_rows_in_memory: int = -1,
) -> Callable[..., Tensor]:
    """Returns an initializer that loads a matrix, or a part of it, with `_load_and_remap_matrix`.

    Raises:
      TypeError: `initializer`, for words without a value, is not a function.
    """
    fill = Zeros() if initializer is None else initializer
    if not callable(fill):
        raise TypeError(
            f"initializer must be callable, instead of being {fill} of type {type(fill)}."
        )
    width = new_col_vocab_size + num_col_oov_buckets

    def initialize(shape: Any, dtype: Any = dtypes.float32, partition_info: Any = None) -> Any:
        _check_shape(shape, dtype, width, new_col_vocab_size, num_col_oov_buckets)
        offset = 0 if partition_info is None else partition_info.single_offset(shape)
        total = new_row_vocab_size + num_row_oov_buckets
        if offset + shape[0] > total:
            raise ValueError(
                f"Trying to initialize {shape[0]} additional rows after {offset} rows have already been "
                "initialized, which would exceed expected total row count of new_row_vocab_size "
                f"({new_row_vocab_size}) + num_row_oov_buckets ({num_row_oov_buckets}) = {total}."
            )
        buckets = min(shape[0], max(0, offset + shape[0] - new_row_vocab_size))
        if offset > new_row_vocab_size:
            if shape[0] != buckets:
                raise ValueError(
                    "Partitioned variable offset is greater than new vocab size and not operating on "
                    "OOV-only partition."
                )
            return fill(shape)
        return _load_and_remap_matrix(
            ckpt_path,
            old_tensor_name,
            new_row_vocab_offset=offset,
            num_rows_to_load=shape[0] - buckets,
            new_col_vocab_size=new_col_vocab_size,
            initializer=fill,
            old_row_vocab_size=old_row_vocab_size,
            old_row_vocab_file=old_row_vocab_file,
            new_row_vocab_file=new_row_vocab_file,
            old_col_vocab_file=old_col_vocab_file,
            new_col_vocab_file=new_col_vocab_file,
            num_row_oov_buckets=buckets,
            num_col_oov_buckets=num_col_oov_buckets,
            max_rows_in_memory=max_rows_in_memory,
        )

    return initialize


def _check_shape(shape: Any, dtype: Any, width: int, words: int, buckets: int) -> None:
    if dtype != dtypes.float32:
        raise TypeError(f"Currently, only float32 is supported. Received dtype: {dtype}")
    if len(shape) != 2:
        raise ValueError(f"Expected 2-dim shape, but received: {shape}")
    if shape[0] <= 0:
        raise ValueError(f"Expected 1st dim of shape to be > 0, but received shape: {shape}")
    if shape[1] != width:
        raise ValueError(
            f"Expected 2nd dim of shape to be new_col_vocab_size ({words}) + num_col_oov_buckets "
            f"({buckets}) = {width}, but received shape: {shape}"
        )


def _load_embedding_initializer(
    ckpt_path: Any,
    embedding_tensor_name: Any,
    new_vocab_size: int,
    embedding_dim: int,
    old_vocab_file: Any,
    new_vocab_file: Any,
    old_vocab_size: int = -1,
    num_oov_buckets: int = 0,
    initializer: Any = None,
    max_rows_in_memory: int = -1,
) -> Callable[..., Tensor]:
    """Returns an initializer that loads the rows of an embedding for new words; others are drawn at random."""
    return _load_and_remap_matrix_initializer(
        ckpt_path,
        embedding_tensor_name,
        new_row_vocab_size=new_vocab_size,
        new_col_vocab_size=embedding_dim,
        old_row_vocab_size=old_vocab_size,
        old_row_vocab_file=old_vocab_file,
        new_row_vocab_file=new_vocab_file,
        num_row_oov_buckets=num_oov_buckets,
        initializer=initializer or TruncatedNormal(stddev=1.0 / math.sqrt(embedding_dim)),
        max_rows_in_memory=max_rows_in_memory,
    )
