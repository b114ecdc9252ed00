"""Checks of the sizes of an LSTM's arguments."""

from collections.abc import Mapping

import numpy as np

from penstock._src.core.errors import InvalidArgumentError

PEEPHOLES = ("wci", "wcf", "wco")


def check_ranks(ranks: Mapping[str, int], values: Mapping[str, np.ndarray], message: str) -> None:
    """Raise an error for the first value with a wrong rank; `message` names `{name}`, `{rank}` and `{found}`."""
    for name, rank in ranks.items():
        actual = values[name].ndim
        if actual != rank:
            raise InvalidArgumentError(message.format(name=name, rank=rank, found=actual))


def check_sizes(rows: int, inputs: int, values: Mapping[str, np.ndarray]) -> None:
    """Raises an error for the first of `cs_prev`, `h_prev`, `w` and `b` that does not fit a batch of inputs."""
    cells = values["cs_prev"].shape[1]
    for name, axis, wanted, what, called in (
        ("cs_prev", 0, rows, "batch_size", "dims"),
        ("h_prev", 0, rows, "batch_size", "dims"),
        ("h_prev", 1, cells, "cell_size", "dims"),
        ("w", 0, inputs + cells, "input_size + cell_size", "dim_size"),
        ("w", 1, 4 * cells, "cell_size * 4", "dim_size"),
        ("b", 0, 4 * cells, "cell_size * 4", "dim_size"),
    ):
        check_size(name, values[name], axis, wanted, what, called)


def check_size(
    name: str, value: np.ndarray, axis: int, wanted: int, what: str, called: str = "dim_size"
) -> None:
    """Raises an error if the size of an axis is not the one of `what`."""
    actual = value.shape[axis]
    if actual != wanted:
        raise InvalidArgumentError(f"{name}.{called}({axis}) != {what}: {actual} vs. {wanted}")


def check_step(values: Mapping[str, np.ndarray]) -> None:
    """Checks the arguments of one step.

    Raises:
      InvalidArgumentError: one has another rank or size, or the state is empty.
    """
    check_ranks(
        {"x": 2, "cs_prev": 2, "h_prev": 2, "w": 2, "b": 1}, values, "{name} must be {rank}D"
    )
    check_sizes(*values["x"].shape, values)
    if values["cs_prev"].size == 0:
        shape = ",".join(map(str, values["cs_prev"].shape))
        raise InvalidArgumentError(f"cs_prev_tensor is empty, has shape: ({shape}).")
    ranks = dict.fromkeys(PEEPHOLES, 1)
    check_ranks(ranks, values, "{name}_tensor must be rank {rank} but is rank {found}.")


def check_sequence(seq_len_max: np.ndarray, values: Mapping[str, np.ndarray]) -> None:
    """Checks the arguments of a sequence of steps.

    Raises:
      InvalidArgumentError: one has another rank or size.
    """
    if np.ndim(seq_len_max) != 0:
        raise InvalidArgumentError(
            f"`seq_len_max_tensor` must be rank 0 but is rank {np.ndim(seq_len_max)}"
        )
    ranks = {"x": 3, "cs_prev": 2, "h_prev": 2, "w": 2, **dict.fromkeys(PEEPHOLES, 1), "b": 1}
    check_ranks(ranks, values, "{name} must be {rank}D")
    check_sizes(*values["x"].shape[1:], values)
    for name in PEEPHOLES:
        check_size(name, values[name], 0, values["cs_prev"].shape[1], "cell_size")


def check_sequence_gradient(values: Mapping[str, np.ndarray]) -> None:
    """Checks the arguments of the gradient of a sequence of steps.

    Raises:
      InvalidArgumentError: one has another rank or size.
    """
    ranks = {"x": 3, "cs_prev": 2, "h_prev": 2, "w": 2, **dict.fromkeys(PEEPHOLES, 1), "b": 1}
    check_ranks(ranks, values, "{name} must be rank {rank} but is rank {found}")
    steps = dict.fromkeys(("i", "cs", "f", "o", "ci", "co", "h", "cs_grad", "h_grad"), 3)
    check_ranks(steps, values, "{name} must be rank {rank}. Received: {found}")
    rows = values["x"].shape[2] + values["cs_prev"].shape[1]
    if values["w"].shape[0] != rows:
        raise InvalidArgumentError(f"w matrix rows don't match: {rows} vs. {values['w'].shape[0]}")
    check_sizes(*values["x"].shape[1:], values)
