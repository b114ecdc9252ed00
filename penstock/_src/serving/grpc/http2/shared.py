"""State shared by the connections of a server."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Any

from penstock._src.serving.grpc.gate import Gate
from penstock._src.serving.grpc.http2.handlers import Handler
from penstock._src.serving.trust.admission import Admission
from penstock._src.serving.trust.limits import Limits


@dataclasses.dataclass
class Shared:
    """State shared by the connections of a server.

    Args:
      handlers: by paths.
      limits: of requests and clients.
      gate: lets calls in, and notes them.
      admission: counts the bytes of messages.
      is_secure: True if connections must have agreed on HTTP/2 by TLS.

    Attributes:
      connections: that are open.
      decompressing: held while a large message is decompressed: each may take memory up to the limit before it is counted.
      closed: set when a connection has closed.
    """

    handlers: Mapping[str, Handler]
    limits: Limits
    gate: Gate
    admission: Admission
    is_secure: bool = False
    connections: set[Any] = dataclasses.field(default_factory=set)
    decompressing: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)
    closed: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
