"""Resources: variables and other objects that persist between calls.

A handle is the object itself; it is freed with the last tensor or variable that holds it. A named resource can be looked up
in the current manager while it exists.
"""

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.values import kernel_state, memory_limit
from penstock._src.util.process import forks
from penstock._src.util.process.references import is_value_shared
from penstock._src.util.run_observers import WORK_OBSERVERS

# Held during a read-modify-write of a variable, so that concurrent updates are not lost.
UPDATING = forks.freed_in_child(threading.RLock())
# The variables that a running program writes in place: (arguments, positions of the variables). A program sets this before it counts references to
# the arrays, and a reader checks it after taking a reference. So either the program sees the reader and copies, or the reader waits for the program.
WRITING: list[tuple[Sequence[Any], Sequence[int]]] = []
forks.call_in_child(WRITING.clear)

# TensorFlow's shared name for an anonymous resource.
ANONYMOUS = "cd2c89b7-88b7-44c8-ad83-06c2a9158347"


class Resource:
    """A named object that ops share through a handle."""

    # The object that holds its value in this process, if it does not do so itself.
    parts: tuple["Resource", ...] = ()

    def __init__(self, name: str = "", container: str = "") -> None:
        self.name = name
        self.container = container

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class DividedHandle(Resource):
    """The handle of a sharded variable."""

    def read(self) -> Any:
        """Returns the whole array, which all processes gather."""
        raise NotImplementedError(type(self).__name__)


class RemoteResource(Resource):
    """A resource that another process holds. Ops that take it run there (`core/op.py`)."""

    # The full name of the device that has it.
    device: str

    def run(self, op: Any, values: Sequence[Any]) -> Any:
        """Return the result of an op's kernel for these values. This resource is one of them."""
        raise NotImplementedError(type(self).__name__)


class _Here(threading.local):
    """Facts about the code that this thread runs."""

    # Creates variables in another process, as `run(op, values)`; None: they are created in this one.
    maker: Any = None
    # True if no other thread reads or writes the variables of the running kernel.
    is_alone = False


HERE = _Here()


@contextlib.contextmanager
def made_by(maker: Any) -> Iterator[None]:
    """Within the block new variables are made by `maker.run(op, values)`."""
    before, HERE.maker = HERE.maker, maker
    try:
        yield
    finally:
        HERE.maker = before


@contextlib.contextmanager
def used_alone() -> Iterator[None]:
    """Declare that no other thread uses the variables of the block's kernels: they may be changed in place."""
    before, HERE.is_alone = HERE.is_alone, True
    try:
        yield
    finally:
        HERE.is_alone = before


class VariableHandle(Resource):
    """A variable: `value` is its array, or None while it is not initialized.

    Eager assignments replace `value` by a new array, so that a read is a snapshot without a copy. Compiled programs, and native calls of
    eager updates, write in place into an array that has no other references, and then increment `version`. Data derived from the value
    and cached in `derived` is valid while array and version are the same.
    """

    # The device that it was made for, by its full name; None: the CPU.
    device: str | None = None

    def __init__(
        self, shape: Any, dtype: DType, name: str = "", container: str = "", value: Any = None
    ) -> None:
        super().__init__(name, container)
        self.shape: TensorShape = as_shape(shape)
        self.dtype = dtype
        self.value: Any = value
        self.version = 0
        # set if this process holds one shard of the variable: see distribute/dtensor
        self.layout: Any = None
        # set if another process holds the variable: the message of the error of a read; see distribute/workers/pipeline
        self.holder = ""
        self.derived: dict[Any, Any] = {}
        for observer in WORK_OBSERVERS:
            observer.made(self)

    def read(self) -> Any:
        """Returns the array.

        Raises:
          FailedPreconditionError: the variable has no value.
        """
        value = self.value
        if WRITING and is_written([self]):
            with UPDATING:
                value = self.value
        if value is None and self.holder:
            raise FailedPreconditionError(self.holder)
        if value is None:
            raise FailedPreconditionError(
                f"Could not find variable {self.name}. This could mean that the variable has been "
                "deleted. In TF1, it can also mean the variable is uninitialized. Debug info: "
                f"container={self.container or 'localhost'}, status error message=Resource "
                f"{self.container or 'localhost'}/{self.name}/N10tensorflow3VarE does not exist."
            )
        return value

    def to_update(self) -> Any:
        """Return an array of the value to change and assign: the value itself if it is not shared, else a copy."""
        value = self.read()
        if not (HERE.is_alone and value.flags.owndata and value.flags.writeable):
            return value.copy()
        del value
        if is_value_shared(self):
            return self.value.copy()
        self.version += 1
        return self.value

    def __repr__(self) -> str:
        return f"<VariableHandle {self.name!r} {self.dtype.name}{self.shape}>"


# True once some variable's value was only in a device's memory (devices/residence.py): reading such a value copies it.
LENT: list[bool] = []


def shape_of_value(resource: Any) -> tuple[int, ...] | None:
    """Return the shape of a variable's value; None if it has none, or the resource is not a variable."""
    lent: tuple[int, ...] | None = getattr(resource, "lent_shape", None)
    return getattr(getattr(resource, "value", None), "shape", None) if lent is None else lent


def shapes_of_values(handles: Sequence[Any]) -> tuple[Any, ...]:
    """Return `shape_of_value` of each: without asking twice where all are variables with values, as in most calls."""
    if LENT:
        return tuple(map(shape_of_value, handles))
    try:
        return tuple([handle.value.shape for handle in handles])
    except AttributeError:  # of a variable without a value, or of another resource
        return tuple(map(shape_of_value, handles))


def is_written(handles: Iterable[Any]) -> bool:
    """True if a program is writing into one of the variables in place."""
    written = {id(arguments[i]) for arguments, positions in list(WRITING) for i in positions}
    return any(id(handle) in written for handle in handles)


memory_limit.register_holder(VariableHandle, "value", "variable")


class ResourceManager:
    """The named resources of all eager code, or of a session, which keeps them alive."""

    def __init__(self, keep: bool = False) -> None:
        self._held: Any = {} if keep else weakref.WeakValueDictionary()
        self._lock = forks.freed_in_child(threading.Lock())

    def get_or_create(self, kind: type, container: str, name: str, make: Callable[[], Any]) -> Any:
        """Returns the resource of this kind and name; makes it if it does not exist."""
        with self._lock:
            resource = self._held.get((kind, container, name))
            if resource is None:
                resource = self._held[kind, container, name] = make()
            return resource

    def clear(self, containers: Iterable[str]) -> None:
        """Removes all resources of some containers; "" is the container of resources that name none."""
        cleared = set(containers)
        with self._lock:
            for key in [k for k in self._held if k[1] in cleared]:
                del self._held[key]

    def remove(self, resource: Resource) -> None:
        """Removes a resource."""
        with self._lock:
            for key in [k for k, value in self._held.items() if value is resource]:
                del self._held[key]


# {target: resources shared by its sessions} of the servers in this process.
SERVERS: dict[str, ResourceManager] = {}


_EAGER = ResourceManager()


class _Current(threading.local):
    manager: ResourceManager = _EAGER


_CURRENT = _Current()


def manager() -> ResourceManager:
    """Returns the current manager."""
    return _CURRENT.manager


def shared(kind: type, container: str, name: str, make: Callable[[], Any]) -> Any:
    """Returns the resource for an op with this shared name.

    Without a name it belongs to the running node: one per session, or one per function graph. Eager code gets a new one.
    """
    if name:
        resource = manager().get_or_create(kind, container, name, make)
        kernel_state.keep(resource)  # other functions may know it by its name alone
        return resource
    node = kernel_state.running_node()
    if node is None or manager() is _EAGER:
        return kernel_state.of_running_node(make)
    return manager().get_or_create(kind, container, getattr(node, "name", str(node)), make)


def lasting(kept: ResourceManager) -> ResourceManager:
    """Return the session's resources; outside sessions `kept`, which no handle keeps alive."""
    return kept if manager() is _EAGER else manager()


@contextlib.contextmanager
def using(resources: ResourceManager) -> Iterator[ResourceManager]:
    """Makes `resources` the current manager within a `with` block, as sessions do."""
    before, _CURRENT.manager = _CURRENT.manager, resources
    try:
        yield resources
    finally:
        _CURRENT.manager = before


def as_variable(handle: Any, op: str) -> VariableHandle:
    """Returns `handle`, checked to be a variable's.

    Raises:
      InvalidArgumentError: it is the handle of another resource.
    """
    if not isinstance(handle, VariableHandle):
        raise InvalidArgumentError(f"{op}: expected the handle of a variable. Received {handle!r}.")
    return handle


def read_reference(dtype: DType, value: Any) -> Any:
    """Returns the array of a variable of TensorFlow 1 to which a tensor of this dtype refers; any other value unchanged."""
    if isinstance(value, VariableHandle) and dtype is not dtypes.resource:
        return value.read()
    return value


def owned(value: Any) -> np.ndarray:
    """Returns a contiguous array for a variable to hold. It need not be a copy, since tensors' arrays are never written."""
    if isinstance(value, np.ndarray) and value.flags.c_contiguous:
        return value
    if isinstance(value, np.generic):  # what NumPy gives for two arrays of rank 0
        return np.asarray(value)
    return np.ascontiguousarray(value).reshape(np.shape(value))


def host_value(value: Any, dtype: DType) -> Any:
    """A kernel's result in the form in which a tensor of its declared dtype stores its value."""
    if type(value) is np.ndarray:
        return value if value.dtype == dtype.np else value.astype(dtype.np)
    if isinstance(value, Resource) or not dtype.is_numpy_compatible:
        return value
    if dtype.np.kind != "O":
        return np.asarray(value, dtype.np)
    out = np.empty((), object)
    out[()] = value
    return out
