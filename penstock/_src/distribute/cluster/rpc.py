"""tf.distribute.experimental.rpc: remote function calls, which are not implemented."""

from collections.abc import Callable
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.util.export import export


def _check(rpc_layer: str, what: str) -> UnimplementedError:
    """Returns the error to raise.

    Raises:
      ValueError: the protocol is not gRPC.
    """
    if rpc_layer != "grpc":
        raise ValueError("Only GRPC backend is supported at the moment.")
    return UnimplementedError(f"tf.distribute.experimental.rpc.{what}: gRPC is not implemented.")


@export("distribute.experimental.rpc.Server", v1=[])
class Server:
    """Offers functions that clients may call."""

    @staticmethod
    def create(rpc_layer: str, address: str) -> "Server":
        """Returns a server at an address.

        Args:
          rpc_layer: "grpc".
          address: of the server.

        Raises:
          ValueError: the protocol is not gRPC.
          UnimplementedError: otherwise.
        """
        raise _check(rpc_layer, "Server.create")

    def register(self, method_name: str, func: Callable[..., Any]) -> None:
        """Registers a tf.function that clients may call.

        Args:
          method_name: what clients call it.
          func: the function.
        """
        raise NotImplementedError("use `Server.create` to create a server.")

    def start(self) -> None:
        """Starts listening."""
        raise NotImplementedError("use `Server.create` to create a server.")


@export("distribute.experimental.rpc.Client", v1=[])
class Client:
    """Calls functions of a server."""

    @staticmethod
    def create(rpc_layer: str, address: str, name: str = "", timeout_in_ms: int = 0) -> "Client":
        """Returns a client of the server at an address.

        Args:
          rpc_layer: "grpc".
          address: of the server.
          name: of the client.
          timeout_in_ms: how long a call may take; 0 for any time.

        Raises:
          ValueError: the protocol is not gRPC.
          UnimplementedError: otherwise.
        """
        raise _check(rpc_layer, "Client.create")

    def call(
        self, method_name: str, args: Any = None, output_specs: Any = None, timeout_in_ms: int = 0
    ) -> Any:
        """Calls a function of the server.

        Args:
          method_name: what the server calls it.
          args: its arguments.
          output_specs: the structure of TypeSpecs of its results.
          timeout_in_ms: how long the call may take; 0 for any time.
        """
        raise NotImplementedError("Must be implemented in inherited classes.")
