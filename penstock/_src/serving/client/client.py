"""The clients: of threads, and of an event loop."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from penstock._src.core.errors import DeadlineExceededError, InvalidArgumentError, OpError
from penstock._src.serving.client import address as addresses
from penstock._src.serving.client.dialog import Dialog, Steps
from penstock._src.serving.client.protocols.base import (
    Answer,
    Call,
    Protocol,
    SignatureInfo,
    VersionInfo,
)
from penstock._src.serving.client.protocols.grpc import GrpcProtocol
from penstock._src.serving.client.protocols.rest import RestProtocol
from penstock._src.serving.client.retries import Budget, Failure, Retries
from penstock._src.serving.client.transports import grpc as grpc_transport
from penstock._src.serving.client.transports import http as http_transport
from penstock._src.serving.requirements import grpc
from penstock._src.serving.telemetry import traces
from penstock._src.util.export import export

T = TypeVar("T")


@export("serving.Security", v1=[])
@dataclasses.dataclass(frozen=True)
class Security:
    """Certificates and keys by which client and server authenticate, for URLs of https or grpcs.

    Args:
      root_certificates: a PEM file of authorities that the server's certificate is held to; "" for the system's.
      certificate: a PEM file of the client's own certificate, for servers that ask for one.
      private_key: a PEM file of the key of that certificate.

    Raises:
      InvalidArgumentError: there is a certificate without its key, or the other way round.

    >>> tf.serving.Security(root_certificates="ca.pem").certificate
    ''
    """

    root_certificates: str = ""
    certificate: str = ""
    private_key: str = ""

    def __post_init__(self) -> None:
        if bool(self.certificate) != bool(self.private_key):
            raise InvalidArgumentError(
                f"Security: expected a certificate with its private key. Received {self}."
            )

    def context(self) -> ssl.SSLContext:
        """Returns the TLS context of HTTP connections.

        Returns:
          An SSLContext.
        """
        context = ssl.create_default_context(cafile=self.root_certificates or None)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.private_key)
        return context

    def credentials(self) -> Any:
        """Returns the credentials of gRPC connections.

        Returns:
          gRPC's ChannelCredentials.
        """
        paths = self.root_certificates, self.private_key, self.certificate
        return grpc().ssl_channel_credentials(*[_read(path) if path else None for path in paths])


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


class _Base:
    """State of both clients: the dialog, the budget of retries, headers and times."""

    url: str
    timeout: float

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 30.0,
        retries: Retries | None = None,
        headers: Mapping[str, str] | None = None,
        security: Security | None = None,
    ) -> None:
        self.url, self.timeout = url, timeout
        at = addresses.parse(url)
        protocol: Protocol = GrpcProtocol() if at.is_grpc else RestProtocol(at.prefix)
        self._dialog = Dialog(at, protocol)
        self._budget = Budget(retries or Retries())
        self._headers = dict(headers or {})
        self._transport = self._opened(at, security or Security())

    def _sent_headers(self) -> Mapping[str, str]:
        """The headers of a request, with those that name the current trace."""
        headers = dict(self._headers)
        traces.inject(headers)
        return headers

    # The transports of REST and of gRPC.
    _TRANSPORTS: tuple[Any, Any]

    def _opened(self, at: addresses.Address, security: Security) -> Any:
        by_rest, by_grpc = self._TRANSPORTS
        if at.is_grpc:
            return by_grpc(at, security.credentials() if at.is_secure else None)
        return by_rest(at, security.context() if at.is_secure else None)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"


@export("serving.Client", v1=[])
class Client(_Base):
    """A client of a server of models, Penstock's or TensorFlow Serving, for threads: several may use one.

    NumPy arrays go in and come out. What fails is raised as TensorFlow's error of the server's code. Requests are sent again where
    that does no harm (see `tf.serving.Retries`).

    Args:
      url: of the server or of a model: http://localhost:8501/v1/models/NAME, or grpc://localhost:8500/models/NAME, each with /versions/N or /labels/L;
        https and grpcs encrypt.
      timeout: seconds that a call may take, with all attempts.
      retries: how often requests are sent again; by default `tf.serving.Retries()`.
      headers: sent with each request, as {"authorization": ...}; by gRPC as metadata.
      security: certificates, where the URL begins with https or grpcs.

    Raises:
      InvalidArgumentError: the URL does not name a server.
      ImportError: a package of the extra `penstock-tensors[client]` is missing.

    >>> class Double(tf.Module):
    ...     @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    ...     def __call__(self, x):
    ...         return {"y": 2.0 * x}
    >>> tf.saved_model.save(Double(), "served_to_client/1")
    >>> model = tf.serving.ModelConfig("double", "served_to_client")
    >>> with tf.serving.running(tf.serving.Options((model,), rest_port=0, grpc_port=0)) as server:
    ...     with tf.serving.Client(f"grpc://localhost:{server.grpc_port}/models/double") as client:
    ...         print(client.predict([1.0, 4.0]))
    {'y': array([2., 8.], dtype=float32)}
    """

    _TRANSPORTS = http_transport.Threads, grpc_transport.Threads

    def predict(
        self,
        inputs: Any,
        *,
        signature: str = "",
        outputs: Sequence[str] = (),
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
        idempotent: bool = True,
    ) -> dict[str, np.ndarray]:
        """Runs a signature of a model; returns its outputs by name.

        Args:
          inputs: {name: value}, or the value of the only input. Values are arrays, tensors, numbers, strings or lists of them, with the
            batch's axis if the signature has one; they are converted to the signature's dtypes, if those hold them.
          signature: its name; "" for the default.
          outputs: names of those that are wanted; all if there are none.
          model: its name; by default what the client's URL names.
          version: number of the version; by default the latest.
          label: a label of the version, instead of its number.
          timeout: seconds that this call may take; by default the client's.
          idempotent: whether it does no harm to run it twice: what may have run is sent again then.

        Returns:
          A dict of NumPy arrays.

        Raises:
          InvalidArgumentError: the inputs do not fit the signature.
          NotFoundError: the model or version is not served.
          UnavailableError: the server could not be reached, or is busy.
          DeadlineExceededError: the time is over.
          OpError: what else the model or server raises.
        """
        steps = self._dialog.predict(
            self._dialog.spec(model, version, label), inputs, signature, outputs
        )
        return self._run(steps, timeout, idempotent)

    def signatures(
        self, model: str | None = None, version: int | None = None, label: str | None = None
    ) -> dict[str, SignatureInfo]:
        """Returns the signatures of a model by name.

        Args:
          model: its name; by default what the client's URL names.
          version: number of the version; by default the latest.
          label: a label of the version, instead of its number.

        Returns:
          A dict of `tf.serving.SignatureInfo`.
        """
        return self._run(self._dialog.signatures(self._dialog.spec(model, version, label)))

    def status(self, model: str | None = None, version: int | None = None) -> list[VersionInfo]:
        """Returns the states of a model's versions, the latest first.

        Args:
          model: its name; by default what the client's URL names.
          version: the only one whose state is returned.

        Returns:
          A list of `tf.serving.VersionInfo`.
        """
        return self._run(self._dialog.status(self._dialog.spec(model, version, None)))

    def _run(self, steps: Steps[T], timeout: float | None = None, idempotent: bool = True) -> T:
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        try:
            call = next(steps)
            while True:
                try:
                    answer = self._send(call, end, idempotent)
                except OpError as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(answer)
        except StopIteration as done:
            return done.value

    def _send(self, call: Call, end: float, idempotent: bool) -> Answer:
        attempt = 0
        while True:
            left = _left(end, self.url)
            attempt += 1
            try:
                answer = self._transport.send(call, left, self._sent_headers())
            except Failure as failure:
                wait = self._budget.wait(failure, attempt, idempotent, end - time.monotonic())
                if wait is None:
                    raise failure.error from failure.__cause__
            else:
                self._budget.succeeded()
                return answer
            time.sleep(wait)

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@export("serving.AsyncClient", v1=[])
class AsyncClient(_Base):
    """A client of a server of models for tasks of an event loop; otherwise as `tf.serving.Client`.

    Args:
      url: of the server or of a model: http://localhost:8501/v1/models/NAME, or grpc://localhost:8500/models/NAME, each with /versions/N or /labels/L;
        https and grpcs encrypt.
      timeout: seconds that a call may take, with all attempts.
      retries: how often requests are sent again; by default `tf.serving.Retries()`.
      headers: sent with each request, as {"authorization": ...}; by gRPC as metadata.
      security: certificates, where the URL begins with https or grpcs.

    Raises:
      InvalidArgumentError: the URL does not name a server.
      ImportError: a package of the extra `penstock-tensors[client]` is missing.

    >>> import asyncio
    >>> class Triple(tf.Module):
    ...     @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    ...     def __call__(self, x):
    ...         return {"y": 3.0 * x}
    >>> tf.saved_model.save(Triple(), "served_to_tasks/1")
    >>> async def ask(port):
    ...     async with tf.serving.AsyncClient(f"http://localhost:{port}/v1/models/triple") as client:
    ...         return await asyncio.gather(client.predict([1.0]), client.predict([2.0]))
    >>> model = tf.serving.ModelConfig("triple", "served_to_tasks")
    >>> with tf.serving.running(tf.serving.Options((model,), rest_port=0, grpc_port=-1)) as server:
    ...     print([float(reply["y"][0]) for reply in asyncio.run(ask(server.rest_port))])
    [3.0, 6.0]
    """

    _TRANSPORTS = http_transport.Loop, grpc_transport.Loop

    async def predict(
        self,
        inputs: Any,
        *,
        signature: str = "",
        outputs: Sequence[str] = (),
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
        idempotent: bool = True,
    ) -> dict[str, np.ndarray]:
        """Runs a signature of a model; returns its outputs by name.

        Args:
          inputs, signature, outputs, model, version, label, timeout, idempotent: as
            `Client.predict`'s.

        Returns:
          A dict of NumPy arrays.

        Raises:
          OpError: as `Client.predict` does.
        """
        steps = self._dialog.predict(
            self._dialog.spec(model, version, label), inputs, signature, outputs
        )
        return await self._run(steps, timeout, idempotent)

    async def signatures(
        self, model: str | None = None, version: int | None = None, label: str | None = None
    ) -> dict[str, SignatureInfo]:
        """Returns the signatures of a model by name.

        Args:
          model, version, label: as `Client.signatures`'.

        Returns:
          A dict of `tf.serving.SignatureInfo`.
        """
        return await self._run(self._dialog.signatures(self._dialog.spec(model, version, label)))

    async def status(
        self, model: str | None = None, version: int | None = None
    ) -> list[VersionInfo]:
        """Returns the states of a model's versions, the latest first.

        Args:
          model, version: as `Client.status`'.

        Returns:
          A list of `tf.serving.VersionInfo`.
        """
        return await self._run(self._dialog.status(self._dialog.spec(model, version, None)))

    async def _run(
        self, steps: Steps[T], timeout: float | None = None, idempotent: bool = True
    ) -> T:
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        try:
            call = next(steps)
            while True:
                try:
                    answer = await self._send(call, end, idempotent)
                except OpError as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(answer)
        except StopIteration as done:
            return done.value

    async def _send(self, call: Call, end: float, idempotent: bool) -> Answer:
        attempt = 0
        while True:
            left = _left(end, self.url)
            attempt += 1
            try:
                answer = await self._transport.send(call, left, self._sent_headers())
            except Failure as failure:
                wait = self._budget.wait(failure, attempt, idempotent, end - time.monotonic())
                if wait is None:
                    raise failure.error from failure.__cause__
            else:
                self._budget.succeeded()
                return answer
            await asyncio.sleep(wait)

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _left(end: float, url: str) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise DeadlineExceededError(f"{url} was not called: the time limit of the call has passed.")
    return left
