"""Address of a server and name of a model, parsed from a URL."""

from __future__ import annotations

import dataclasses
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from penstock._src.core.errors import InvalidArgumentError, OpError

_PORTS = {"http": 80, "https": 443, "grpc": 8500, "grpcs": 8500}
_PATH = re.compile(
    r"(?P<prefix>(?:/(?!v1(?:/|$))[^/]+)*?)"
    r"(?:/v1)?(?:/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]{1,18})|/labels/(?P<label>[^/:]+))?(?::predict)?)?/?"
)


class Spec(NamedTuple):
    """A model, and which version of it; the latest if neither number nor label is given."""

    name: str
    version: int | None = None
    label: str | None = None


@dataclasses.dataclass(frozen=True)
class Address:
    """A server.

    Args:
      scheme: "http", "https", "grpc" or "grpcs".
      host: its name or address.
      port: of the protocol.
      prefix: the part of REST's paths that comes before /v1.
      spec: of the model that the URL names; None if it names none.
    """

    scheme: str
    host: str
    port: int
    prefix: str = ""
    spec: Spec | None = None

    @property
    def is_grpc(self) -> bool:
        """True if the address is for gRPC, not REST."""
        return self.scheme.startswith("grpc")

    @property
    def is_secure(self) -> bool:
        """True if connections are encrypted."""
        return self.scheme.endswith("s")

    @property
    def place(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse(url: str) -> Address:
    """Returns the parts of a URL.

    Raises:
      InvalidArgumentError: it is not one of a server or model.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _refusal(url) from error
    match = _PATH.fullmatch(parts.path)
    if parts.scheme not in _PORTS or not host or match is None or parts.query or parts.username:
        raise _refusal(url)
    spec = None
    if match["name"] is not None:
        number = None if match["version"] is None else int(match["version"])
        label = None if match["label"] is None else unquote(match["label"])
        spec = Spec(unquote(match["name"]), number, label)
    port = _PORTS[parts.scheme] if port is None else port
    return Address(parts.scheme, host, port, match["prefix"], spec)


def _refusal(url: str) -> OpError:
    return InvalidArgumentError(
        "Expected the URL of a server or model, as http://localhost:8501/v1/models/NAME or grpc://localhost:8500/models/NAME/versions/2; "
        f"https and grpcs encrypt. Received {url!r}."
    )
