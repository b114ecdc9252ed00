"""DTensor: an eager tensor with a layout on a mesh."""

from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.core.shapes import TensorShape, make_shape
from penstock._src.distribute.dtensor.layout import UNSHARDED, Layout
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.strings.convert import summary
from penstock._src.util.signatures import read_only

DEVICE = "/job:localhost/replica:0/task:0/device:CUSTOM:0"

_SHOWN = 3  # the elements that texts show at each end of an axis


class DTensor(EagerTensor):
    """An eager tensor sharded over a mesh of this process's devices; it holds the whole value and its layout."""

    __slots__ = ()

    layout = read_only("_layout", "The layout.")

    @property
    def device(self) -> str:
        """The name of the device that represents all meshes."""
        return DEVICE

    def numpy(self) -> Any:
        """Returns the value as an array.

        Raises:
          UnimplementedError: the tensor is sharded; see `dtensor.unpack`.
        """
        self._require_replicated()
        return super().numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self._require_replicated()
        return super().__array__(dtype, copy)

    def _require_replicated(self) -> None:
        if not self.layout.is_fully_replicated():
            raise UnimplementedError(
                "Trying to copy a non-single-device and non-replicated DTensor is not supported. "
                f"Input tensor is: {self!r}"
            )

    def parts(self) -> list[np.ndarray]:
        """The shard of each device of the mesh."""
        sizes = self.layout.local_shape_from_global_shape(self._value.shape)
        return [
            self._value[tuple(slice(i * n, (i + 1) * n) for i, n in zip(place, sizes, strict=True))]
            for place in self.layout.offset_to_shard()
        ]

    def summary(self) -> str:
        """The value, or the shard of each device, and the layout."""
        layout = self.layout
        if layout.sharding_specs == [UNSHARDED] * layout.rank:
            value = summary(self._value, _SHOWN)
        else:
            devices = layout.mesh.local_devices()
            shown = (
                f'"{d.rpartition("/device:")[2]}": {summary(p, _SHOWN)}'
                for d, p in zip(devices, self.parts())
            )
            value = "{" + ", ".join(shown) + "}"
        return f'{value}, layout="{layout.to_string()}"'

    def __repr__(self) -> str:
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, value={self.summary()}>"

    def __str__(self) -> str:
        return f"tf.Tensor({self.summary()}, shape={self.shape}, dtype={self.dtype.name})"


class ShardedTensor(DTensor):
    """A DTensor on a mesh of processes; it holds this process's shard."""

    __slots__ = ()

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole tensor."""
        return make_shape(self._shape_tuple())

    def _shape_tuple(self) -> tuple[int, ...]:
        return self.layout.global_shape_from_local_shape(self._value.shape)

    @property
    def _shape_tuple_value(self) -> tuple[int, ...]:
        return self._shape_tuple()

    @property
    def holds_whole(self) -> bool:
        """True if the local value is the whole tensor."""
        return self.layout.is_fully_replicated()

    def parts(self) -> list[np.ndarray]:
        """The shard of this process."""
        return [self._value]

    def _numpy(self) -> Any:
        self._require_replicated()
        return super()._numpy()

    def _num_elements(self) -> int:
        return int(np.prod(self._shape_tuple()))

    def __len__(self) -> int:
        return len(self._value) if not self._value.ndim else self._shape_tuple()[0]

    def __bool__(self) -> bool:
        self._require_replicated()
        return super().__bool__()

    def _scalar(self) -> Any:
        self._require_replicated()
        return super()._scalar()

    def __index__(self) -> int:
        self._require_replicated()
        return super().__index__()

    def __deepcopy__(self, memo: Any) -> EagerTensor:
        return shard_of(EagerTensor(self._value.copy(), self.dtype), self.layout)

    def cpu(self) -> EagerTensor:
        """Returns this tensor as another object."""
        return shard_of(EagerTensor(self._value, self.dtype), self.layout)


def shard_of(tensor: EagerTensor, layout: Layout) -> ShardedTensor:
    """Turns the shard of this process into a DTensor with this layout, in place."""
    tensor.__class__ = ShardedTensor
    tensor._layout = layout
    return tensor  # type: ignore[return-value]
