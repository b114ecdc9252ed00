"""The ops on tensor arrays of TensorFlow 1's first and second version: twins of those of V3."""

from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.dataflow import tensor_array as v3
from penstock._src.ops.dataflow.arrays import array_of
from penstock._src.ops.rules import ints


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
    stateful = True


class TensorArrayGradV2(v3._ArrayOp):
    """The array that gradients of an array's elements are added up in."""

    signature = "handle: string, flow_in: float32 -> grad_handle: string[]"
    source: str
    stateful = True
    differentiable = False

    def eager(self, handle, flow_in):
        return array_of(handle).gradients(self.source)


class TensorArrayGrad(TensorArrayGradV2):
    """The same, by reference."""

    signature = "handle: string, flow_in: float32 -> grad_handle: Ref(string)"


class TensorArrayWriteV2(v3.TensorArrayWriteV3):
    """Twin of TensorArrayWriteV3."""

    signature = "handle: string, index: int32, value: T, flow_in: float32 -> flow_out: float32"
    stateful = False
    version = "V2"


class TensorArrayWrite(v3.TensorArrayWriteV3):
    """Twin of TensorArrayWriteV3, by reference."""

    signature = "handle: Ref(string), index: int32, value: T, flow_in: float32 -> flow_out: float32"
    stateful = False
    version = ""


class TensorArrayReadV2(v3.TensorArrayReadV3):
    """Twin of TensorArrayReadV3."""

    signature = "handle: string, index: int32, flow_in: float32 -> value: dtype"
    stateful = False
    version = "V2"


class TensorArrayRead(v3.TensorArrayReadV3):
    """Twin of TensorArrayReadV3, by reference."""

    signature = "handle: Ref(string), index: int32, flow_in: float32 -> value: dtype"
    stateful = False
    version = ""


class TensorArrayGatherV2(v3.TensorArrayGatherV3):
    """Twin of TensorArrayGatherV3."""

    signature = "handle: string, indices: int32, flow_in: float32 -> value: dtype"
    stateful = False
    version = "V2"


class TensorArrayGather(v3.TensorArrayGatherV3):
    """Twin of TensorArrayGatherV3, by reference."""

    signature = "handle: Ref(string), indices: int32, flow_in: float32 -> value: dtype"
    stateful = False
    version = ""


class TensorArrayScatterV2(v3.TensorArrayScatterV3):
    """Twin of TensorArrayScatterV3."""

    signature = "handle: string, indices: int32, value: T, flow_in: float32 -> flow_out: float32"
    stateful = False
    version = "V2"


class TensorArrayScatter(v3.TensorArrayScatterV3):
    """Twin of TensorArrayScatterV3, by reference."""

    signature = (
        "handle: Ref(string), indices: int32, value: T, flow_in: float32 -> flow_out: float32"
    )
    stateful = False
    version = ""


class TensorArrayConcatV2(v3.TensorArrayConcatV3):
    """Twin of TensorArrayConcatV3."""

    signature = "handle: string, flow_in: float32 -> value: dtype, lengths: int64"
    stateful = False
    version = "V2"


class TensorArrayConcat(v3.TensorArrayConcatV3):
    """Twin of TensorArrayConcatV3, by reference."""

    signature = "handle: Ref(string), flow_in: float32 -> value: dtype, lengths: int64"
    stateful = False
    version = ""


class TensorArraySplitV2(v3.TensorArraySplitV3):
    """Twin of TensorArraySplitV3."""

    signature = "handle: string, value: T, lengths: int64, flow_in: float32 -> flow_out: float32"
    stateful = False
    version = "V2"


class TensorArraySplit(v3.TensorArraySplitV3):
    """Twin of TensorArraySplitV3, by reference."""

    signature = (
        "handle: Ref(string), value: T, lengths: int64, flow_in: float32 -> flow_out: float32"
    )
    stateful = False
    version = ""


class TensorArraySizeV2(v3.TensorArraySizeV3):
    """Twin of TensorArraySizeV3."""

    signature = "handle: string, flow_in: float32 -> size: int32"
    stateful = False
    version = "V2"


class TensorArraySize(v3.TensorArraySizeV3):
    """Twin of TensorArraySizeV3, by reference."""

    signature = "handle: Ref(string), flow_in: float32 -> size: int32"
    stateful = False
    version = ""


class TensorArrayCloseV2(v3.TensorArrayCloseV3):
    """Twin of TensorArrayCloseV3."""

    signature = "handle: string ->"
    stateful = False
    version = "V2"


class TensorArrayClose(v3.TensorArrayCloseV3):
    """Twin of TensorArrayCloseV3, by reference."""

    signature = "handle: Ref(string) ->"
    stateful = False
    version = ""


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
