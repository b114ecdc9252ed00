"""The operations of TensorFlow's test library: `tensorflow.python.framework.test_ops`.

They exist once this module is imported. Most have no kernel, in TensorFlow either: they are recorded in graphs, to try what
signatures and attributes can be.
"""

from __future__ import annotations

import re
import time
import types
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from penstock._src.api.config.settings import tensor_float_32_execution_enabled
from penstock._src.bridge.names.private_modules import function_by_position
from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import Function, TensorValue
from penstock._src.core.calls.facts import Definition
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import AlreadyExistsError, NotFoundError
from penstock._src.core.op import Op
from penstock._src.core.registry import make_function
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import ANY
from penstock._src.core.values import kernel_state, resources
from penstock._src.util.device_spec import merged_device
from penstock._src.version import GRAPH_DEF_VERSION

HOST = "/job:localhost/replica:0/task:0/device:CPU:0"
_TEXT_OR_BOOL = frozenset({dtypes.string, dtypes.bool_})

_FRUIT = Literal["apples", "oranges"]

# -- with kernels


class DevicePlacementOp(Op):
    """The name of the device on which it runs."""

    signature = "-> device: string[]"
    stateful = True

    def eager(self):
        node = kernel_state.running_node()
        wanted = getattr(node, "device", "") or STATE.device
        return np.array(merged_device(HOST, wanted or "").encode(), object)


class DtypeWithDefaultOp(Op):
    """The name of its input's type."""

    signature = "in_: T -> dtype: string[]"
    definition = Definition(input_names={"in_": "in"})
    T: ANY = dtypes.uint8  # type: ignore[valid-type]
    stateful = True

    def eager(self, in_):
        name = {"float32": "float", "float64": "double"}.get(self.T.name, self.T.name)
        return np.array(name.encode(), object)


class GraphDefVersion(Op):
    """The version of the graph's format."""

    signature = "-> version: int32[]"
    stateful = True

    def eager(self):
        return np.int32(GRAPH_DEF_VERSION)


class IsTensorFloat32Enabled(Op):
    """True if TF32 is allowed."""

    signature = "-> enabled: bool[]"
    stateful = True

    def eager(self):
        return np.bool_(tensor_float_32_execution_enabled())


class KernelLabel(Op):
    """Says which of its kernels ran; there is only the default one."""

    signature = "-> result: string[]"

    def eager(self):
        return np.array(b"My label is: default", object)


class KernelLabelRequired(Op):
    """An op that only has kernels with labels."""

    signature = "input: int32[?] -> result: string[]"

    def eager(self, input):
        raise _no_kernel(
            self, "device='CPU'; label='overload_2'\n  device='CPU'; label='overload_1'"
        )


class Old(Op):
    """An op that was removed from graphs of version 8 on."""

    signature = "->"
    stateful = False
    removed_in, reason = 8, "For reasons"

    def shape(self):
        graph = STATE.graph
        version = GRAPH_DEF_VERSION if graph is None else graph.graph_def_versions.producer
        if version >= self.removed_in:
            raise NotImplementedError(
                f"Op Old is not available in GraphDef version {version}. It has been removed in "
                f"version {self.removed_in}. {self.reason}."
            )
        return ()

    def eager(self):
        return None


class SleepOp(Op):
    """Waits."""

    signature = "sleep_seconds: int32 ->"
    stateful = True

    def eager(self, sleep_seconds):
        time.sleep(int(sleep_seconds))


class SleepIdentityOp(Op):
    """Its input, after a while."""

    signature = "sleep_seconds: int32, input: T -> output: T[input]"
    stateful = True

    def eager(self, sleep_seconds, input):
        time.sleep(int(sleep_seconds))
        return input


class TestAttr(Op):
    """One, in a type that has a kernel only if it is float32."""

    __test__ = False
    signature = "-> out: T"
    T: {dtypes.float32, dtypes.float64}  # type: ignore[valid-type]
    stateful = True

    def shape(self):
        return TensorShape(None)

    def eager(self):
        if self.T is not dtypes.float32:
            raise _no_kernel(self, "device='CPU'; T in [DT_FLOAT]")
        return np.float32(1)


class _Stub(resources.Resource):
    """The resource of StubResourceHandleOp, which exists or not."""

    exists = False


class StubResourceHandleOp(Op):
    """A handle to a resource with this name."""

    signature = "-> resource: resource[]"
    container: str = ""
    shared_name: str = ""

    def eager(self):
        return resources.shared(
            _Stub,
            self.container,
            self.shared_name,
            lambda: _Stub(self.shared_name, self.container),
        )


class ResourceInitializedOp(Op):
    """True if a resource exists."""

    signature = "resource: resource -> initialized: bool[]"

    def eager(self, resource):
        return np.bool_(resource.exists)


class ResourceCreateOp(Op):
    """Creates a resource."""

    signature = "resource: resource ->"

    def eager(self, resource):
        if resource.exists:
            raise AlreadyExistsError(f"Resource {_described(resource)} [Op:ResourceCreateOp]")
        resource.exists = True


class ResourceUsingOp(Op):
    """Takes a resource that exists."""

    signature = "resource: resource ->"

    def eager(self, resource):
        if not resource.exists:
            raise NotFoundError(
                f"Resource {_described(resource)} does not exist. [Op:ResourceUsingOp]"
            )


def _described(handle: Any) -> str:
    resource = handle
    return f"{resource.container or 'localhost'}/{resource.name}/N10tensorflow12StubResourceE"


# -- without kernels


def _no_kernel(op: Op, registered: str = "<no registered kernels>") -> Exception:
    return NotFoundError(
        f"Could not find device for node: {{{{node {op.op_type}}}}} = {op.op_type}[]\n"
        f"All kernels registered for op {op.op_type}:\n  {registered}\n [Op:{op.op_type}]"
    )


def _unknown_shapes(op: Op, *inputs: Any) -> Any:
    """The rule of ops that say nothing about the shapes of their outputs."""
    shapes = []
    for argument, dtype in zip(op.outputs, op.output_dtypes):
        unknown = TensorShape(None)
        shapes.append([unknown] * len(dtype) if argument.is_list else unknown)
    return shapes[0] if len(shapes) == 1 else tuple(shapes)


def _refuse(op: Op, *inputs: Any) -> Any:
    raise _no_kernel(op)


def _define(
    name: str,
    signature: str,
    least: dict[str, int] | None = None,
    allowed: dict[str, Any] | None = None,
    **attributes: Any,
) -> None:
    """Makes an op without a kernel.

    Args:
      name: of the op.
      signature: its inputs and outputs.
      least: the least value, or length of a list, of attributes.
      allowed: the types that an input may have, by type attribute.
      **attributes: a type, or (type, default).
    """
    annotations = {n: a[0] if isinstance(a, tuple) else a for n, a in attributes.items()}
    defaults = {n: a[1] for n, a in attributes.items() if isinstance(a, tuple)}

    def fill(body: dict[str, Any]) -> None:
        body.update(
            __annotations__=annotations,
            __module__=__name__,
            __doc__="An op without a kernel.",
            signature=signature,
            minimum=least or {},
            shape=_unknown_shapes,
            eager=_refuse,
            differentiable=False,
            **(allowed or {}),
            **defaults,
        )

    types.new_class(name, (Op,), exec_body=fill)


_INT32, _STRING = dtypes.int32, dtypes.string
_N, _NS = {"N": 2}, (int, 0)

_define("A", "-> out: float32")
_define("B", "-> out: float32")
_define("Attr", "->", a=int)
_define("AttrBool", "->", a=bool)
_define("AttrBoolList", "->", a=list[bool])
_define("AttrDefault", "->", a=(str, "banana"))
_define("AttrEmptyListDefault", "->", a=(list[float], ()))
_define("AttrEnum", "->", a=_FRUIT)
_define("AttrEnumList", "->", a=list[_FRUIT])
_define("AttrFloat", "->", a=float)
_define("AttrListDefault", "->", a=(list[int], (5, 15)))
_define("AttrListMin", "->", {"a": 2}, a=list[int])
_define("AttrListTypeDefault", "a: N * T, b: N * T ->", {"N": 1}, T=(ANY, _INT32))
_define("AttrMin", "->", {"a": 5}, a=int)
_define("AttrPartialShape", "->", a=TensorShape)
_define("AttrPartialShapeList", "->", a=list[TensorShape])
_define("AttrShape", "->", a=TensorShape)
_define("AttrShapeList", "->", a=list[TensorShape])
_define("AttrTypeDefault", "a: T ->", T=(ANY, _INT32))
_define("Binary", "a: T, b: T -> out: T")
_define(
    "ComplexStruct", "-> a: n_a * int32, b: n_b * int64, c: *t_c", n_a=int, n_b=int, t_c=list[DType]
)
_define("CopyOp", "a: T -> b: T")
_define(
    "DefaultAttrs",
    "->",
    string_val=(str, "abc"),
    string_list_val=(list[str], ("abc", "")),
    int_val=(int, 123),
    int_list_val=(list[int], (1, 2, 3)),
    float_val=(float, 10.0),
    float_list_val=(list[float], (10.0,)),
    bool_val=(bool, True),
    bool_list_val=(list[bool], (True, False)),
    type_val=(DType, _INT32),
    type_list_val=(list[DType], (_INT32, dtypes.float32)),
    shape_val=(TensorShape, TensorShape([2, 1])),
    shape_list_val=(list[TensorShape], (TensorShape([]), TensorShape([1]))),
    tensor_val=(TensorValue, np.array(1, np.int32)),
    tensor_list_val=(list[TensorValue], (np.array(1, np.int32),)),
)
_define("FiveFloatOutputs", "-> a: float32, b: float32, c: float32, d: float32, e: float32")
_define("FloatInput", "a: float32 ->")
_define("FloatOutput", "-> a: float32")
_define("FloatOutputStringOutput", "-> a: float32, b: string")
_define("Foo1", "a: float32, b: int32, c: int32 -> d: float32, e: int32")
_define("Foo2", "a: float32, b: string, c: string -> d: float32, e: int32")
_define("Foo3", "a: float32, b: string, c: float32 -> d: float32, e: int32")
_define("FuncAttr", "->", f=Function)
_define("FuncListAttr", "->", f=list[Function])
_define("InPolymorphicTwice", "a: N * T, b: M * T ->", T=(ANY, _INT32))
_define("Int64Output", "-> out: int64")
_define("IntAttr", "-> out: int64", foo=(int, 1))
_define("IntInput", "a: int32 ->")
_define("IntInputFloatInput", "a: int32, b: float32 ->")
_define("IntInputIntOutput", "a: int32 -> b: int32")
_define("IntOutput", "-> a: int32")
_define("IntOutputFloatOutput", "-> a: int32, b: float32")
_define("ListInput", "a: N * T ->", {"N": 1})
_define("ListOutput", "-> a: *T", {"T": 1}, T=list[DType])
_define("MixedStruct", "-> a: n_a * int32, b: float32", n_a=int)
_define("NInPolymorphicTwice", "a: N * T, b: N * T ->")
_define("Namespace>TestStringOutput", "input: float32 -> output1: float32, output2: string")
_define("NInTwice", "a: N * int32, b: N * string ->")
_define("NInTwoTypeVariables", "a: N * S, b: N * T ->")
_define("NIntsIn", "a: N * int32 ->", _N)
_define("NIntsOut", "-> a: N * int32", _N, N=int)
_define("NIntsOutDefault", "-> a: N * int32", _N, N=(int, 3))
_define("NPolymorphicIn", "a: N * T ->", _N)
_define("NPolymorphicOut", "-> a: N * T", _N, T=DType, N=int)
_define("NPolymorphicOutDefault", "-> a: N * T", _N, T=(DType, dtypes.bool_), N=(int, 2))
_define("NPolymorphicRestrictIn", "a: N * T ->", _N, {"T": _TEXT_OR_BOOL})
_define("NPolymorphicRestrictOut", "-> a: N * T", _N, T=_TEXT_OR_BOOL, N=int)
_define("None", "->")
_define("OpWithDefaultAttr", "-> a: int32", default_float=(float, 123.0))
_define("OpWithFutureDefaultAttr", "->")
_define("OutT", "-> a: T", T=DType)
_define("OutTypeList", "-> out: *T", T=list[DType])
_define("OutTypeListRestrict", "-> out: *t", {"t": 1}, t=[_TEXT_OR_BOOL])
_define("Polymorphic", "a: T -> out: T")
_define("PolymorphicDefaultOut", "-> out: T", T=(DType, _STRING))
_define("PolymorphicOut", "-> out: T", T=DType)
_define("RefIn", "a: Ref(T) ->")
_define("RefInputFloatInput", "a: Ref(float32), b: float32 ->")
_define("RefInputFloatInputIntOutput", "a: Ref(float32), b: float32 -> c: int32")
_define("RefInputIntInput", "a: Ref(int32), b: int32 ->")
_define("RefOut", "-> a: Ref(T)", T=DType)
_define("RefOutput", "-> a: Ref(int32)")
_define("RefOutputFloatOutput", "-> a: Ref(float32), b: float32")
_define("ReservedAttr", "->", range=int)
_define("ReservedInput", "input: int32 ->")
_define("Restrict", "a: T -> out: T", allowed={"T": _TEXT_OR_BOOL})
_define("Simple", "a: int32 -> out: float32")
_define("SimpleStruct", "-> a: n_a * int32", n_a=int)
_define("StringListAttr", "->", a=list[str], b=str)
_define("TestStringOutput", "input: float32 -> output1: float32, output2: string")
_define("TwoFloatInputs", "a: float32, b: float32 ->")
_define("TwoFloatInputsFloatOutput", "a: float32, b: float32 -> c: float32")
_define("TwoFloatInputsIntOutput", "a: float32, b: float32 -> c: int32")
_define("TwoFloatOutputs", "-> a: float32, b: float32")
_define("TwoIntInputs", "a: int32, b: int32 ->")
_define("TwoIntOutputs", "-> a: int32, b: int32")
_define("TwoRefsIn", "a: Ref(T), b: Ref(T) ->")
_define("TypeList", "a: *T ->")
_define("TypeListRestrict", "a: *T ->", {"T": 1}, {"T": _TEXT_OR_BOOL})
_define("TypeListTwice", "a: *T, b: *T ->")
_define("Unary", "a: T -> b: T")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.replace(">", "")).lower()


def _own_ops() -> dict[str, type[Op]]:
    return {cls.op_type: cls for cls in Op.__subclasses__() if cls.__module__ == __name__}


_BY_SNAKE_NAME = {_snake(name): name for name in _own_ops()}


def __getattr__(name: str) -> Callable[..., Any]:
    """Returns the function of the op with this name, as the wrappers of TensorFlow's are called."""
    if name not in _BY_SNAKE_NAME:
        raise AttributeError(name)
    cls = _own_ops()[_BY_SNAKE_NAME[name]]
    return function_by_position(make_function(cls), cls)
