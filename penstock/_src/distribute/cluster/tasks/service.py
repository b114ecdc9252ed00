"""Service of a task for other processes: it holds resources, and runs ops and functions on them."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

from penstock._src.cluster.rpc.server import RpcServer
from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import convert_attribute
from penstock._src.core.calls.binding import complete
from penstock._src.core.calls.consent import Consent, consent_for, guarded
from penstock._src.core.errors import (
    INTERNAL,
    INVALID_ARGUMENT,
    UNAVAILABLE,
    AbortedError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
)
from penstock._src.core.op import Op, flatten_arguments, group_arguments
from penstock._src.core.registry import lookup
from penstock._src.core.values import resources
from penstock._src.core.values.resources import Resource, ResourceManager, VariableHandle
from penstock._src.distribute.cluster.steps.functions import FunctionsOfTasks
from penstock._src.distribute.cluster.tasks import messages
from penstock._src.distribute.cluster.tasks.handles import Handle, dtype_and_shape, handle, sent
from penstock._src.distribute.cluster.tasks.sessions import SessionHost
from penstock._src.distribute.cluster.tasks.task import TaskLostError, Tasks
from penstock._src.distribute.cluster.tasks.values import decode, encode_all
from penstock._src.function import run as _runs_graph_functions  # noqa: F401
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.serialize import attributes
from penstock._src.graph.serialize.importer import Library

LOG = logging.getLogger("tensorflow")
# A process that was silent for this many seconds is considered gone, and its resources in the task are freed.
FORGET_SECONDS = 600.0
_PYTHON_ERRORS = (ValueError, TypeError, KeyError, IndexError, NotImplementedError, OverflowError)


# The tasks of this process that answer calls, by their addresses.
SERVICES: dict[str, TaskService] = {}


class Held:
    """A resource, who made it, and the session that uses it, or ""."""

    def __init__(self, resource: Resource, caller: str, session: str = "") -> None:
        self.resource, self.caller, self.session = resource, caller, session
        self.lock = threading.RLock()  # held while an op works on a variable


class Caller:
    """A task's record of a calling process: its functions, and the answers that it got."""

    def __init__(self, tasks: Tasks) -> None:
        self.functions: dict[str, GraphFunction] = {}
        self.runs = FunctionsOfTasks(tasks)
        self.libraries: list[Library] = []
        self.replies: dict[int, Future[Any]] = {}
        self.lock = threading.Lock()
        self.heard = time.monotonic()
        self.answered_below = 0

    def once(self, number: int, answered_below: int, answer: Callable[[], Any]) -> Any:
        """Returns the reply to the call of this number; the call is done the first time only.

        Raises:
          AbortedError: the call was answered, and its reply is gone.
        """
        with self.lock:
            self.answered_below = max(self.answered_below, answered_below)
            for old in [n for n in self.replies if n < self.answered_below]:
                del self.replies[old]
            if number < self.answered_below:
                raise AbortedError(f"Call {number} has been answered before.")
            future = self.replies.get(number)
            is_new = future is None
            if future is None:
                future = self.replies[number] = Future()
        if is_new:
            try:
                future.set_result(answer())
            except BaseException as error:
                future.set_exception(error)
        return future.result()


class TaskService:
    """A task of a cluster.

    Args:
      name: "/job:<job>/replica:0/task:<index>".
      addresses: of all tasks of the cluster, by their names.
    """

    def __init__(self, name: str, addresses: dict[str, str]) -> None:
        self.name = name
        self.incarnation = secrets.randbits(63) | 1
        self.tasks = Tasks(addresses)
        self.manager = ResourceManager(keep=True)
        self._held: dict[int, Held] = {}
        self._ids: dict[tuple[int, str], int] = {}  # id() of a resource, session -> its id
        self._callers: dict[str, Caller] = {}
        self._lock = threading.Lock()
        self._consent: Consent = consent_for(f"a graph that was sent to {name}", None)
        self._server: RpcServer | None = None
        self._address = self._announced = ""
        self.sessions = SessionHost(
            name,
            self.manager,
            self._consent,
            self.reference,
            self.resource,
            self._alone_with,
            self.free_of_session,
        )

    def start(self, address: str) -> int:
        """Begins to answer calls at an address; returns the port."""
        methods = {
            "Hello": self._hello,
            "RunOp": self._answering(messages.OpRequest, self._run_op),
            "Register": self._answering(messages.RegisterRequest, self._register),
            "RunFunction": self._answering(messages.FunctionRequest, self._run_function),
            "Describe": self._describe,
            "Extend": self._answering(messages.ExtendRequest, self.sessions.extend),
            "RunPart": self._answering(messages.PartRequest, self.sessions.run_part),
            "Cancel": self._answering(messages.StepRequest, self.sessions.cancel),
            "Close": self._answering(messages.StepRequest, self.sessions.close),
            "Reset": self._answering(messages.ResetRequest, self.sessions.reset),
        }
        self._server = RpcServer(address, messages.SERVICE, methods)
        host = address.rpartition(":")[0]
        self._address = f"{host}:{self._server.port}"
        if self.tasks.addresses.get(self.name) != self._address:  # others do not know it
            self._announced = self.tasks.addresses[self.name] = self._address
        SERVICES[self._address] = self
        return self._server.port

    def stop(self) -> None:
        """Ends it; its resources are lost."""
        if self._server is not None:
            SERVICES.pop(self._address, None)
            self._server.stop()
            self._server = None

    # -- calls

    def _describe(self, data: bytes) -> bytes:
        del data
        description = messages.Description(task=self.name)
        description.addresses.update(self.tasks.addresses)
        described: bytes = description.SerializeToString()
        return described

    def _hello(self, data: bytes) -> bytes:
        request = messages.HelloRequest.FromString(data)
        if request.task != self.name and len(self.tasks.addresses) > 1:
            raise InvalidArgumentError(f"This is {self.name}, not {request.task!r}.")
        with self._lock:
            known = self._callers.get(request.caller.name)
        if known is not None:
            known.heard = time.monotonic()
        reply: bytes = messages.HelloReply(
            incarnation=self.incarnation, task=self.name
        ).SerializeToString()
        return reply

    def _answering(
        self, kind: Any, method: Callable[[Any, Caller], Any]
    ) -> Callable[[bytes], bytes]:
        def answer(data: bytes) -> bytes:
            request = kind.FromString(data)
            caller = request.caller
            if caller.incarnation != self.incarnation:
                error = TaskLostError(
                    self.name, f"{self.name} was started again, and has lost what it held."
                )
                return _refused(error)
            known = self._caller(caller.name)
            self._free(caller.name, caller.released)

            def once() -> bytes:
                try:
                    return method(request, known).SerializeToString()
                except Exception as error:
                    return _refused(error)

            if not caller.number:
                return once()
            return known.once(caller.number, caller.answered_below, once)

        return answer

    def _caller(self, name: str) -> Caller:
        """Return the record of a caller. Callers silent for longer than FORGET_SECONDS are forgotten."""
        now = time.monotonic()
        with self._lock:
            known = self._callers.setdefault(name, Caller(self.tasks))
            known.heard = now
            gone = {n: c for n, c in self._callers.items() if now - c.heard > FORGET_SECONDS}
            for each in gone:
                del self._callers[each]
        for each, forgotten in gone.items():
            forgotten.runs.close()
            LOG.warning("%s: no message from %s: its resources here are freed.", self.name, each)
            self._free(each, [i for i, entry in list(self._held.items()) if entry.caller == each])
        return known

    # -- resources

    def _free(self, caller: str, ids: Sequence[int]) -> None:
        if not ids:
            return
        with self._lock:
            for number in ids:
                entry = self._held.get(number)
                if entry is not None and entry.caller == caller:
                    self._drop(number)

    def _drop(self, number: int) -> None:
        entry = self._held.pop(number)
        del self._ids[id(entry.resource), entry.session]

    def free_of_session(self, session: str) -> None:
        """Forgets the resources that other tasks know by handles of a session."""
        with self._lock:
            for number in [n for n, entry in self._held.items() if entry.session == session]:
                self._drop(number)

    def reference(self, resource: Resource, caller: str, session: str = "") -> Any:
        """The message of a resource, which the task keeps from now on.

        Args:
          resource: the resource.
          caller: who gets the message.
          session: whose end frees it; "": the caller does.
        """
        if isinstance(resource, Handle):
            return sent(resource)
        with self._lock:
            number = self._ids.get((id(resource), session))
            is_new = number is None and not session
            if number is None:
                number = secrets.randbits(63)
                self._held[number] = Held(resource, caller, session)
                self._ids[id(resource), session] = number
        dtype, shape = dtype_and_shape(resource)
        return messages.Resource(
            task=self.name, incarnation=self.incarnation, id=number, name=resource.name,
            dtype=dtype, shape=shape, is_new=is_new, address=self._announced,
        )  # fmt: skip

    def _own(self, reference: Any) -> Held:
        """Return the object that the task holds for a reference.

        Raises:
          TaskLostError: an earlier start of the task held it.
          NotFoundError: it was freed.
        """
        if reference.task != self.name or reference.incarnation != self.incarnation:
            raise TaskLostError(
                self.name, f"{self.name} does not hold {reference.name!r} of {reference.task!r}; it may have been started again."
            )  # fmt: skip
        entry = self._held.get(reference.id)
        if entry is None:
            raise NotFoundError(f"{self.name}: the resource {reference.name!r} has been freed.")
        return entry

    def resource(self, reference: Any) -> Resource:
        """Returns the resource that a message names, of this task or another."""
        if reference.task == self.name:
            return self._own(reference).resource
        return handle(self.tasks, reference)

    # -- ops

    def _run_op(self, request: Any, caller: Caller) -> Any:
        op = self._op_of(request.node)
        references = [v.resource for v in request.inputs if v.WhichOneof("kind") == "resource"]
        makes = [a for a in op.outputs if a.dtype is dtypes.resource]
        if not references and not makes and op.stateful:
            raise InvalidArgumentError(
                f"{op.op_type}: stateful ops can run here only on resources."
            )
        entries = [self._own(reference) for reference in references]
        values = [decode(value, lambda ref: self._own(ref).resource) for value in request.inputs]
        _check_types(op, values)
        arguments = group_arguments(op.inputs, op, values)
        if op.host_kernel.takes_name:
            arguments.append(op.op_type)
        with resources.using(self.manager), self._alone(entries):
            result = op.compute(*arguments)
        reply = messages.Reply()
        encode_all(
            reply.outputs, _flat(op, result), lambda r: self.reference(r, request.caller.name)
        )
        return reply

    @contextlib.contextmanager
    def _alone(self, used: Sequence[Held]) -> Iterator[None]:
        """Within the block no other call uses the variables among these; others may wait for one another, as queues do.

        Sessions may use a variable that has a name, so it is not changed in place.
        """
        variables = {id(one): one for one in used if type(one.resource) is VariableHandle}
        with contextlib.ExitStack() as stack:
            for key in sorted(variables):
                stack.enter_context(variables[key].lock)
            are_all = len(variables) == len({id(one) for one in used})
            if are_all and not any(one.session for one in used):
                stack.enter_context(resources.used_alone())
            yield

    def _alone_with(self, references: Sequence[Any]) -> contextlib.AbstractContextManager[None]:
        """A block in which no other call uses the variables that messages name."""
        entries = list(map(self._own, references))
        return self._alone(entries) if entries else contextlib.nullcontext()

    def _op_of(self, node: Any) -> Op:
        """The op of a node without functions.

        Raises:
          InvalidArgumentError: there is no such op, or it has other attributes.
        """
        cls = lookup(node.op)
        if cls is None:
            raise InvalidArgumentError(f"There is no op {node.op!r}.")
        if cls.flow.runs_functions:
            raise InvalidArgumentError(
                f"{node.op}: ops that call functions cannot run here on their own."
            )
        attributes_given = {}
        try:
            for name, value in node.attr.items():
                annotation = attributes.annotation_of(cls, name)
                if annotation is not None:
                    decoded = attributes.decode(annotation, value, _no_function)
                    attributes_given[name] = convert_attribute(
                        cls.op_type, name, annotation, decoded
                    )
            return complete(guarded(cls, node.op, self._consent), attributes_given, False)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise InvalidArgumentError(f"{node.op}: {error}") from error

    # -- functions

    def _register(self, request: Any, caller: Caller) -> Any:
        library = Library(request.library, consent=self._consent)
        try:
            functions = {name: library.get(name) for name in library.definitions}
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise InvalidArgumentError(f"The function cannot be imported: {error}") from error
        for function in functions.values():
            for op in function.graph._operations:
                op.location = None  # no line of this process has made it
        caller.functions.update(functions)
        return messages.Reply()

    def _run_function(self, request: Any, caller: Caller) -> Any:
        function = caller.functions.get(request.name)
        if function is None:
            raise NotFoundError(f"{self.name} knows no function {request.name!r}.")
        values = [decode(value, self.resource) for value in request.inputs]
        _check_inputs(function, values)
        outputs = caller.runs.run(function, values)
        reply = messages.Reply()
        encode_all(reply.outputs, outputs, lambda r: self.reference(r, request.caller.name))
        return reply


def _no_function(name: str) -> Any:
    raise KeyError(f"there is no function {name!r}")


def _flat(op: Op, result: Any) -> list[Any]:
    """Return the results of a kernel as a flat list."""
    if not op.outputs:
        return []
    return flatten_arguments([result] if len(op.outputs) == 1 else list(result))


def _types_of(op: Op) -> list[Any]:
    listed: list[Any] = []
    for types in map(op._dtype_of, op.inputs):
        listed += types if isinstance(types, tuple) else [types]
    return listed


def _check_types(op: Op, values: Sequence[Any]) -> None:
    """Raises InvalidArgumentError unless values are of the types that an op takes."""
    types = _types_of(op)
    if len(types) != len(values):
        raise InvalidArgumentError(f"{op.op_type}: takes {len(types)} values, not {len(values)}.")
    for at, (dtype, value) in enumerate(zip(types, values, strict=True)):
        _check_type(op.op_type, at, dtype, value)


def _check_inputs(function: GraphFunction, values: Sequence[Any]) -> None:
    """Raises InvalidArgumentError unless values fit the inputs of a function."""
    if len(values) != len(function.inputs):
        raise InvalidArgumentError(
            f"{function.name}: takes {len(function.inputs)} values, not {len(values)}."
        )
    for at, (tensor, value) in enumerate(zip(function.inputs, values, strict=True)):
        _check_type(function.name, at, tensor.dtype, value)
        if not isinstance(value, Resource) and not tensor.shape.is_compatible_with(value.shape):
            raise InvalidArgumentError(
                f"{function.name}: input {at} is of shape {value.shape}, not {tensor.shape}."
            )


def _check_type(name: str, at: int, dtype: dtypes.DType, value: Any) -> None:
    if dtype is dtypes.resource:
        fits = isinstance(value, Resource)
    else:
        fits = not isinstance(value, Resource) and value.dtype == dtype.np
    if not fits:
        raise InvalidArgumentError(f"{name}: input {at} is not a value of type {dtype.name}.")


def _refused(error: Exception) -> bytes:
    """The reply with the error of a failed call."""
    reply = messages.Reply(error_message=str(error), error_code=INTERNAL)
    if isinstance(error, TaskLostError):
        reply.error_code, reply.lost_task = UNAVAILABLE, error.task
    elif isinstance(error, OpError):
        reply.error_code, reply.error_message = error.error_code or INTERNAL, error.message
    elif isinstance(error, _PYTHON_ERRORS):
        reply.error_code = INVALID_ARGUMENT
        names = [kind.__name__ for kind in type(error).__mro__ if kind in _PYTHON_ERRORS]
        reply.error_class = names[0]
    else:
        LOG.error("A call failed.", exc_info=error)
        reply.error_message = f"{type(error).__name__}: {error}"
    encoded: bytes = reply.SerializeToString()
    return encoded
