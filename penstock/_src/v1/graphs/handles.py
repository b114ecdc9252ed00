"""Tensors that stay in a session: their handles are fetched and fed instead of values."""

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.graphs.default_graph import placeholder

# The operation whose result a session returns as a TensorHandle.
KEEPING = "GetSessionHandle"


@contextlib.contextmanager
def out_of_graph() -> Iterator[None]:
    """Runs ops eagerly, even while a graph is built."""
    before, STATE.graph = STATE.graph, None
    try:
        yield
    finally:
        STATE.graph = before


class TensorHandle:
    """A tensor kept by a session.

    Args:
      handle: the string by which graphs refer to it.
      dtype: the type of the tensor.
      session: the session that keeps it.
    """

    def __init__(self, handle: bytes, dtype: dtypes.DType, session: Any) -> None:
        self._handle, self._dtype, self._session = handle, dtype, session
        self._is_owner = True

    @property
    def handle(self) -> str:
        """The text by which graphs refer to it."""
        return self._handle.decode()

    def __str__(self) -> str:
        return self.handle

    def to_numpy_array(self) -> Any:
        """The value."""
        return self.eval()

    def eval(self) -> Any:
        """The value.

        Raises:
          TypeError: it has been deleted.
        """
        self._require_owner()
        with out_of_graph():
            return raw.GetSessionTensor(handle=self._handle, dtype=self._dtype).numpy()

    def _require_owner(self) -> None:
        if not self._is_owner:
            raise TypeError(f"Persistent tensor {self.handle} may have already been deleted.")

    def delete(self) -> None:
        """Deletes the tensor.

        Raises:
          TypeError: it has been deleted.
        """
        self._require_owner()
        self._is_owner = False
        with out_of_graph():
            raw.DeleteSessionTensor(handle=self._handle)

    def get_raw_handle(self) -> str:
        """Returns the string by which graphs refer to it; from now on the caller must delete the tensor."""
        self._is_owner = False
        return self.handle


@export(v1=["get_session_handle"])
def get_session_handle(data: Any, name: str | None = None) -> Any:
    """A tensor that is fetched as the TensorHandle of `data`, which the session keeps.

    Raises:
      TypeError: `data` is not a tensor.
    """
    if not hasattr(data, "dtype"):
        raise TypeError("`data` must be of type Tensor.")
    return raw.GetSessionHandle(value=convert_to_tensor(data), name=name)


@export(v1=["get_session_tensor"])
def get_session_tensor(handle: Any, dtype: Any, name: str | None = None) -> Any:
    """Returns (a placeholder for a handle, the tensor of the fed handle)."""
    del handle
    holder = placeholder(dtypes.string)
    return holder, raw.GetSessionTensor(handle=holder, dtype=dtypes.as_dtype(dtype), name=name)


@export(v1=["delete_session_tensor"])
def delete_session_tensor(handle: Any, name: str | None = None) -> Any:
    """Returns (a placeholder for a handle, the operation that deletes the tensor of the fed handle)."""
    del handle
    holder = placeholder(dtypes.string)
    return holder, raw.DeleteSessionTensor(handle=holder, name=name)
