"""tf.distribute.experimental.rpc: functions that other processes call, over TensorFlow's RpcService."""

import contextlib
import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.python_function import numpy_function
from penstock._src.cluster.rpc.channel import RETRY_SECONDS, Channel
from penstock._src.cluster.rpc.server import RpcServer
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.errors import (
    CLASS_OF_CODE,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    OpError,
)
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import Function
from penstock._src.function.structured_values import decode, encode
from penstock._src.ops.control.python_call import PassedOn
from penstock._src.ops.tensor_proto import from_proto, to_proto
from penstock._src.proto import saved, tensor
from penstock._src.proto.schema import Schema
from penstock._src.util import nest
from penstock._src.util.export import export

_SERVICE = "tensorflow.rpc.RpcService"
_SCHEMA = Schema(
    "tf_rpc_service",
    """
CallRequest
    method=1 string, input_tensors=2 tensorflow.TensorProto*
CallResponse
    output_tensors=1 tensorflow.TensorProto*
ListRequest
RegisteredMethod
    method=1 string, input_specs=2 tensorflow.StructuredValue, output_specs=3 tensorflow.StructuredValue
ListResponse
    registered_methods=1 RegisteredMethod*
""",
    uses=[tensor.SCHEMA, saved.SCHEMA],
    package="tensorflow.rpc",
)
CallRequest, CallResponse = _SCHEMA.many("CallRequest CallResponse")
ListRequest, ListResponse = _SCHEMA.many("ListRequest ListResponse")


def _check_layer(rpc_layer: str) -> None:
    if rpc_layer != "grpc":
        raise ValueError("Only GRPC backend is supported at the moment.")


class _Service:
    """The functions of a server, and the methods of TensorFlow's RpcService."""

    def __init__(self) -> None:
        self.functions: dict[str, ConcreteFunction] = {}

    def call(self, data: bytes) -> bytes:
        """Answers a call.

        Raises:
          OpError: there is no such function, its arguments differ, or it fails.
        """
        request = CallRequest.FromString(data)
        function = self.functions.get(request.method)
        if function is None:
            raise InvalidArgumentError(f"{request.method} is not registered.")
        specs = function.structured_input_signature
        flat = nest.flatten(specs, expand_composites=True)
        if len(flat) != len(request.input_tensors):
            raise InvalidArgumentError(
                f"{request.method} takes {len(flat)} tensors. Received {len(request.input_tensors)}."
            )
        values = [
            convert_to_tensor(from_proto(proto), dtype=dtypes.as_dtype(proto.dtype))
            for proto in request.input_tensors
        ]
        for i, (value, spec) in enumerate(zip(values, flat, strict=True)):
            if value.dtype != spec.dtype or not spec.shape.is_compatible_with(value.shape):
                raise InvalidArgumentError(
                    f"{request.method}: argument {i} must be {spec.dtype.name} {spec.shape}. Received "
                    f"{value.dtype.name} {value.shape}."
                )
        args, kwargs = nest.pack_sequence_as(specs, values, expand_composites=True)
        results = nest.flatten(function(*args, **kwargs), expand_composites=True)
        tensors = [convert_to_tensor(r) for r in results if r is not None]
        protos = [to_proto(np.asarray(t.numpy()), t.dtype) for t in tensors]  # type: ignore[attr-defined]
        return bytes(CallResponse(output_tensors=protos).SerializeToString())

    def list(self, data: bytes) -> bytes:
        """Answers with the names and specs of all functions."""
        ListRequest.FromString(data)
        response = ListResponse()
        for name, function in self.functions.items():
            method = response.registered_methods.add(method=name)
            method.input_specs.CopyFrom(encode(function.structured_input_signature[0]))
            outputs = nest.map_structure(_spec_of, function.structured_outputs)
            method.output_specs.CopyFrom(encode(outputs))
        return bytes(response.SerializeToString())


@export("distribute.experimental.rpc.Server", v1=[])
class Server:
    """Offers functions that clients may call; made by `create`.

    Args:
      address: host and port.

    >>> import socket
    >>> with socket.create_server(("", 0)) as listener:
    ...     address = f"localhost:{listener.getsockname()[1]}"
    >>> @tf.function(input_signature=[tf.TensorSpec([], tf.int32)] * 2)
    ... def add(a, b):
    ...     return a + b
    >>> server = tf.distribute.experimental.rpc.Server.create("grpc", address)
    >>> server.register("add", add)
    >>> server.start()
    >>> client = tf.distribute.experimental.rpc.Client.create("grpc", address)
    >>> client.add(tf.constant(1), tf.constant(2)).get_value().numpy()
    np.int32(3)
    """

    def __init__(self, address: str) -> None:
        self._address = address
        # Separate, as the handlers refer to it: a server without references ends.
        self._service = _Service()
        self._running: RpcServer | None = None

    @staticmethod
    def create(rpc_layer: str, address: str) -> "Server":
        """Returns a server at an address, which answers after `start`, at all addresses of this machine unless it is "localhost".

        Whoever reaches it can call its functions. Where `PENSTOCK_CLUSTER_KEY` is set, it answers only callers with this key.

        Args:
          rpc_layer: "grpc".
          address: host and port.

        Returns:
          A Server.

        Raises:
          ValueError: the protocol is not gRPC.
        """
        _check_layer(rpc_layer)
        return Server(address)

    def register(self, method_name: str, func: Callable[..., Any]) -> None:
        """Registers a tf.function that clients may call.

        Args:
          method_name: what clients call it.
          func: the function, with an input signature, or a concrete function.

        Raises:
          ValueError: it is not such a function.
          InvalidArgumentError: there is another of this name.
          FailedPreconditionError: the server has been started.
        """
        if self._running is not None:
            raise FailedPreconditionError(
                "All methods must be registered before starting the server. Method registration after "
                "starting the server is not supported."
            )
        if isinstance(func, Function):
            if func._input_signature is None:
                raise ValueError("Input signature not specified for the function.")
            func = func.get_concrete_function()
        if not isinstance(func, ConcreteFunction):
            raise ValueError("Only TF functions are supported with Register method")
        if method_name in self._service.functions:
            raise InvalidArgumentError(f"{method_name} is already registered.")
        self._service.functions[method_name] = func

    def start(self) -> None:
        """Starts listening; the server ends with this object. It needs the package grpcio.

        Raises:
          ImportError: grpcio is not installed.
          UnknownError: it cannot listen at the address.
        """
        if self._running is None:
            methods = {"Call": self._service.call, "List": self._service.list}
            self._running = RpcServer(self._address, _SERVICE, methods)

    def __del__(self) -> None:
        if getattr(self, "_running", None) is not None:
            self._running.stop()  # type: ignore[union-attr]


def _spec_of(result: Any) -> Any:
    if result is None or isinstance(result, TensorSpec):
        return result
    return TensorSpec(result.shape, result.dtype) if hasattr(result, "op") else result._type_spec


@export("distribute.experimental.rpc.Client", v1=[])
class Client:
    """Calls functions of a server: each is a method of its name, and another of its name and `_blocking`, which waits for the value.

    Args:
      channel: the connection; see `create`.
      timeout_in_ms: how long a call may take; 0 for any time.
    """

    def __init__(self, channel: Channel, timeout_in_ms: int) -> None:
        self._channel, self._timeout = channel, timeout_in_ms

    @staticmethod
    def create(rpc_layer: str, address: str, name: str = "", timeout_in_ms: int = 0) -> "Client":
        """Returns a client of the server at an address.

        Args:
          rpc_layer: "grpc".
          address: of the server.
          name: of the client.
          timeout_in_ms: how long a call may take; 0 for any time.

        Returns:
          A Client.

        Raises:
          ValueError: the protocol is not gRPC.
          ImportError: grpcio is not installed.
          UnavailableError, DeadlineExceededError: the server does not answer.
        """
        _check_layer(rpc_layer)
        client = Client(Channel(address, _SERVICE, "The RPC server"), timeout_in_ms)
        seconds = timeout_in_ms / 1e3 or None
        reply = client._channel.call(
            "List", ListRequest().SerializeToString(), seconds, seconds or RETRY_SECONDS
        )
        for method in ListResponse.FromString(reply).registered_methods:
            client._add(method.method, decode(method.input_specs), decode(method.output_specs))
        return client

    def call(
        self, method_name: str, args: Any = None, output_specs: Any = None, timeout_in_ms: int = 0
    ) -> Any:
        """Calls a function of the server, also within a tf.function.

        Args:
          method_name: what the server calls it.
          args: its arguments.
          output_specs: the structure of TypeSpecs of its results.
          timeout_in_ms: how long the call may take; 0 for that of the client.

        Returns:
          The result, which may not be there yet: `is_ok()`, `get_error()` (a code and a message) and `get_value()` wait for it.
        """
        flat = nest.flatten(list(args or []), expand_composites=True)
        tensors = [convert_to_tensor(x) for x in flat]
        timeout = (timeout_in_ms or self._timeout) / 1e3 or None
        ask = functools.partial(_answer, self._channel, method_name, timeout)
        return _Result(ask, tensors, output_specs)

    def _add(self, name: str, inputs: Any, outputs: Any) -> None:
        def method(*args: Any, timeout_in_ms: int = 0) -> Any:
            nest.assert_same_structure(args, inputs)
            specs = nest.flatten(inputs, expand_composites=True)
            flat = nest.flatten(args, expand_composites=True)
            values = [convert_to_tensor(x, dtype=s.dtype) for x, s in zip(flat, specs, strict=True)]
            return self.call(name, values, outputs, timeout_in_ms)

        def blocking(*args: Any, timeout_in_ms: int = 0) -> Any:
            return method(*args, timeout_in_ms=timeout_in_ms).get_value()

        method.__doc__ = f"RPC Call for {name} method to server {self._channel.address}"
        blocking.__doc__ = f"{method.__doc__}, which waits for the value"
        setattr(self, name, method)
        setattr(self, f"{name}_blocking", blocking)


def _answer(
    channel: Channel, method: str, timeout: float | None, arrays: Sequence[tuple[np.ndarray, Any]]
) -> list[np.ndarray]:
    """The arrays that a method returns. It is called once: it may have effects."""
    request = CallRequest(method=method, input_tensors=[to_proto(*pair) for pair in arrays])
    reply = channel.call("Call", request.SerializeToString(), timeout, retry_seconds=0.0)
    return [from_proto(proto) for proto in CallResponse.FromString(reply).output_tensors]


class _Result:
    """A result that may not be there yet; in a graph, tensors of its code, message and values."""

    def __init__(
        self, ask: Callable[..., list[np.ndarray]], tensors: list[Any], output_specs: Any
    ) -> None:
        self._form = output_specs
        self._specs = nest.flatten(output_specs, expand_composites=True)
        self._specs = [spec for spec in self._specs if spec is not None]
        kinds = [t.dtype for t in tensors]

        def run(*arrays: np.ndarray) -> tuple[Any, ...]:
            error: OpError
            try:
                values = ask(list(zip(map(np.asarray, arrays), kinds, strict=True)))
                self._check(values)
            except OpError as raised:
                error = raised
            else:
                return np.int64(0), b"", *values
            nothing = map(_zeros, self._specs)  # which nothing reads
            return np.int64(error.error_code), (error.message or "").encode(), *nothing

        self._parts: Future | None = None
        if executing_eagerly():
            self._parts = Future()
            arrays = [t.numpy() for t in tensors]
            threading.Thread(target=_fulfil, args=(self._parts, run, arrays), daemon=True).start()
        else:
            kinds_out = [dtypes.int64, dtypes.string, *(s.dtype for s in self._specs)]
            self._tensors = numpy_function(run, tensors, kinds_out)
            for t, spec in zip(self._tensors[2:], self._specs, strict=True):
                t.set_shape(spec.shape)

    def _check(self, values: Sequence[np.ndarray]) -> None:
        """Refuses values that are not those of the specs."""
        if len(values) != len(self._specs):
            raise InvalidArgumentError(
                f"Incorrect number of output types specified. {len(self._specs)} {len(values)}"
            )
        for value, spec in zip(values, self._specs, strict=True):
            kind = dtypes.string if value.dtype == object else dtypes.as_dtype(value.dtype)
            if kind != spec.dtype:
                raise InvalidArgumentError(
                    f"Type mismatch: actual {kind.name} vs. expect {spec.dtype.name}"
                )

    def _all(self) -> Sequence[Any]:
        if self._parts is None:
            return self._tensors
        code, message, *values = self._parts.result()
        kinds = [dtypes.int64, dtypes.string, *(s.dtype for s in self._specs)]
        return [
            convert_to_tensor(v, dtype=k)
            for v, k in zip([code, message, *values], kinds, strict=True)
        ]

    def is_ok(self) -> Any:
        """Returns whether the call succeeded, a bool tensor."""
        return raw.Equal(x=self._all()[0], y=np.int64(0))

    def get_error(self) -> Any:
        """Returns the code and the message of the error, 0 and "" if there is none."""
        code, message, *_ = self._all()
        return code, message

    def get_value(self) -> Any:
        """Returns the value.

        Raises:
          OpError: the call failed.
        """
        code, message, *values = self._all()
        if self._parts is not None:
            _raise_if_failed(code.numpy(), message.numpy())
            guard: Any = contextlib.nullcontext()
        else:
            guard = control_dependencies(
                [numpy_function(_pass_on_failure, [code, message], dtypes.int64)]
            )
        with guard:
            values = [raw.Identity(input=v) for v in values]
        if self._form is None:
            return None
        return nest.pack_sequence_as(self._form, values, expand_composites=True)


def _zeros(spec: Any) -> np.ndarray:
    """An array that fits a spec."""
    sizes = [n or 0 for n in spec.shape.as_list()] if spec.shape.rank is not None else []
    if spec.dtype == dtypes.string:
        return np.full(sizes, b"", object)
    return np.zeros(sizes, spec.dtype.as_numpy_dtype)


def _fulfil(future: Future, run: Callable[..., Any], arrays: Sequence[np.ndarray]) -> None:
    try:
        future.set_result(run(*arrays))
    except BaseException as error:
        future.set_exception(error)


def _raise_if_failed(code: Any, message: Any) -> np.int64:
    if code:
        raise CLASS_OF_CODE.get(int(code), InternalError)(None, None, bytes(message).decode())
    return np.int64(0)


def _pass_on_failure(code: Any, message: Any) -> np.int64:
    """Raises the error in a graph, where errors of Python functions lose their class."""
    try:
        return _raise_if_failed(code, message)
    except OpError as error:
        raise PassedOn(error) from None
