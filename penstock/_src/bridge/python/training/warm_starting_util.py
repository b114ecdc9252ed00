"""`tensorflow.python.training.warm_starting_util`: how one variable begins with a checkpoint's."""

from typing import Any

from penstock._src.v1.saving.warm_starting import VocabInfo, begin_with_words, name_of, parts_of

__all__ = ["_get_var_info", "_infer_var_name", "_warm_start_var_with_vocab"]


def _infer_var_name(var: Any) -> str:
    """Returns the name of a variable, or of the whole that a list has the parts of."""
    return name_of(var)


def _get_var_info(var: Any, prev_tensor_name: str | None = None) -> tuple[str, Any]:
    """Returns the name in a checkpoint, and the variable or the list of its parts."""
    parts = parts_of(var)
    return prev_tensor_name or name_of(var), parts if len(parts) > 1 else parts[0]


def _warm_start_var_with_vocab(
    var: Any,
    current_vocab_path: str,
    current_vocab_size: int,
    prev_ckpt: str,
    prev_vocab_path: str,
    previous_vocab_size: int = -1,
    current_oov_buckets: int = 0,
    prev_tensor_name: str | None = None,
    initializer: Any = None,
    axis: int = 0,
) -> None:
    """Makes a variable begin with the rows that a checkpoint has for its words."""
    if not (current_vocab_path and current_vocab_size and prev_ckpt and prev_vocab_path):
        raise ValueError(
            "Invalid args: Must provide all of [current_vocab_path, current_vocab_size, prev_ckpt, prev_vocab_path]."
        )
    info = VocabInfo(
        current_vocab_path, current_vocab_size, current_oov_buckets, prev_vocab_path,
        previous_vocab_size, initializer, axis,
    )  # fmt: skip
    begin_with_words(var, info, prev_ckpt, prev_tensor_name or name_of(var))
