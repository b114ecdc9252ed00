"""Requests for layouts of DTensors in graphs; on whole tensors they change nothing."""

from penstock._src.core.calls.facts import Elements, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import ANY


class _Passes(Op):
    """The input itself."""

    is_abstract = True
    T = ANY
    host_kernel = HostKernel(is_view=True)
    elements = Elements(is_movement=True)

    def eager(self, input, *others):
        return input

    def lower(self, p, input, *others):
        return input


class Relayout(_Passes):
    """The input in a layout, which is written as a string."""

    signature = "input: T -> output: T[input]"
    layout: str

    def gradient(self, input, _output, dy):
        return raw.RelayoutLike(input=dy, layout_input=input)


class RelayoutLike(_Passes):
    """The input in the layout of another tensor."""

    signature = "input: T, layout_input: U -> output: T[input]"
    U = ANY

    def gradient(self, input, _layout_input, _output, dy):
        return raw.RelayoutLike(input=dy, layout_input=input), None
