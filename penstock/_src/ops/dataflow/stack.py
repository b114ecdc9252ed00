"""Stacks of tensors, in which TensorFlow 1's while loops saved intermediate values."""

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.values import resources
from penstock._src.core.values.resources import Resource
from penstock._src.ops.variants import by_reference


class HostStack(Resource):
    """A stack of host values of one type."""

    def __init__(self, dtype, limit, name=""):
        super().__init__(name)
        self.dtype, self.limit, self.items, self.closed = dtype, limit, [], False

    def checked(self, what):
        """Returns this stack, checked to be open.

        Raises:
          InvalidArgumentError: it is closed.
        """
        if self.closed:
            raise InvalidArgumentError(f"Stack[{self.name}] has already been closed: {what}.")
        return self


class _StackOp(Op):
    def stack(self, handle):
        if not isinstance(handle, HostStack):
            raise self.invalid(f"expected the handle of a stack. Received {handle!r}")
        return handle.checked(self.op_type)


class StackV2(_StackOp):
    """A new stack of at most `max_size` elements, if that is not negative."""

    signature = "max_size: int32 -> handle: resource[]"
    elem_type: DType
    stack_name: str = ""

    def eager(self, max_size=-1):
        return HostStack(self.elem_type, int(max_size), self.stack_name)


class Stack(StackV2):
    """The same, by reference."""

    signature = "-> handle: Ref(string)"
    differentiable = False


class StackPushV2(_StackOp):
    """Pushes an element and returns it."""

    signature = "handle: resource, elem: T -> output: T[elem]"
    swap_memory: bool = False

    def eager(self, handle, elem):
        stack = self.stack(handle)
        if stack.dtype != self.T:
            raise self.invalid(f"Must have type {stack.dtype.name} but got {self.T.name}")
        if 0 <= stack.limit <= len(stack.items):
            raise self.invalid(f"Stack[{stack.name}] overflowed its max_size ({stack.limit})")
        stack.items.append(elem)
        return elem


by_reference("StackPush", StackPushV2, differentiable=False)


class StackPopV2(_StackOp):
    """Pops the top element."""

    signature = "handle: resource -> elem: elem_type[...]"
    elem_type: DType

    def eager(self, handle):
        stack = self.stack(handle)
        if not stack.items:
            raise self.invalid(f"Stack[{stack.name}] is empty when calling Pop().")
        return stack.items.pop()


by_reference("StackPop", StackPopV2, differentiable=False)


class StackCloseV2(_StackOp):
    """Forgets the elements."""

    signature = "handle: resource ->"

    def eager(self, handle):
        stack = self.stack(handle)
        stack.items, stack.closed = [], True
        resources.manager().remove(stack)


by_reference("StackClose", StackCloseV2, differentiable=False)
