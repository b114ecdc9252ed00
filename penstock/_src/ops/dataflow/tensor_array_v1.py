"""Tensor array ops of versions 1 and 2: variants of those of V3."""

from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.dataflow import tensor_array as v3
from penstock._src.ops.dataflow.arrays import array_of
from penstock._src.ops.rules import ints
from penstock._src.ops.variants import by_reference, variant


class TensorArrayV2(v3._Make):
    """A new array of `size` elements."""

    signature = "size: int32 -> handle: string[]"
    dtype: DType
    element_shape: TensorShape = TensorShape(None)
    dynamic_size: bool = False
    clear_after_read: bool = True
    tensor_array_name: str = ""
    stateful = True

    def eager(self, size):
        return self.made(size)


class TensorArray(TensorArrayV2):
    """The same, by reference."""

    signature = "size: int32 -> handle: Ref(string)"
    dtype: DType
    dynamic_size: bool = False
    clear_after_read: bool = True
    tensor_array_name: str = ""
    element_shape: TensorShape = TensorShape(None)


class TensorArrayGradV2(v3._ArrayOp):
    """The array that accumulates the gradients of an array's elements."""

    signature = "handle: string, flow_in: float32 -> grad_handle: string[]"
    source: str
    differentiable = False

    def eager(self, handle, flow_in):
        return array_of(handle).gradients(self.source)


class TensorArrayGrad(TensorArrayGradV2):
    """The same, by reference."""

    signature = "handle: string, flow_in: float32 -> grad_handle: Ref(string)"


variant("TensorArrayWriteV2", v3.TensorArrayWriteV3, handle="string", stateful=False, version="V2")
by_reference("TensorArrayWrite", v3.TensorArrayWriteV3, version="")
variant("TensorArrayReadV2", v3.TensorArrayReadV3, handle="string", stateful=False, version="V2")
by_reference("TensorArrayRead", v3.TensorArrayReadV3, version="")
variant(
    "TensorArrayGatherV2", v3.TensorArrayGatherV3, handle="string", stateful=False, version="V2"
)
by_reference("TensorArrayGather", v3.TensorArrayGatherV3, version="")
variant(
    "TensorArrayScatterV2", v3.TensorArrayScatterV3, handle="string", stateful=False, version="V2"
)
by_reference("TensorArrayScatter", v3.TensorArrayScatterV3, version="")
variant(
    "TensorArrayConcatV2", v3.TensorArrayConcatV3, handle="string", stateful=False, version="V2"
)
by_reference("TensorArrayConcat", v3.TensorArrayConcatV3, version="")
variant("TensorArraySplitV2", v3.TensorArraySplitV3, handle="string", stateful=False, version="V2")
by_reference("TensorArraySplit", v3.TensorArraySplitV3, version="")
variant("TensorArraySizeV2", v3.TensorArraySizeV3, handle="string", stateful=False, version="V2")
by_reference("TensorArraySize", v3.TensorArraySizeV3, version="")
variant("TensorArrayCloseV2", v3.TensorArrayCloseV3, handle="string", stateful=False, version="V2")
by_reference("TensorArrayClose", v3.TensorArrayCloseV3, version="")


class TensorArrayPack(Op):
    """All elements, stacked."""

    signature = "handle: Ref(string), flow_in: float32 -> value: dtype[...]"
    dtype: DType
    element_shape: TensorShape = TensorShape(None)

    def eager(self, handle, flow_in):
        array = array_of(handle)
        return array.stacked(range(len(array.items)), self.dtype, self.element_shape)


class TensorArrayUnpack(Op):
    """Puts the rows of a value in."""

    signature = "handle: Ref(string), value: T, flow_in: float32 -> flow_out: float32[]"

    def eager(self, handle, value, flow_in):
        return v3.TensorArrayScatterV3.eager(self, handle, ints(range(len(value))), value, flow_in)
