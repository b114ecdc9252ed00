"""The packages of the extras `penstock-tensors[serve]` and `penstock-tensors[client]`, imported when a server or client is made."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from penstock._src.util.process.installing import pip_install

# The packages that a server needs in addition to Penstock's own.
PACKAGES = ("httptools", "ngh2", "orjson", "uvicorn")


def missing() -> list[str]:
    """Returns the names of packages that are not installed."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


@functools.cache
def orjson() -> ModuleType:
    """Reads and writes JSON.

    Raises:
      ImportError: it is not installed.
    """
    with _needed():
        return importlib.import_module("orjson")


@functools.cache
def uvicorn() -> ModuleType:
    """The HTTP server.

    Raises:
      ImportError: it is not installed, or its parser is not.
    """
    with _needed():
        importlib.import_module("httptools")
        return importlib.import_module("uvicorn")


@functools.cache
def ngh2() -> ModuleType:
    """HTTP/2's frames and headers.

    Raises:
      ImportError: it is not installed.
    """
    with _needed():
        return importlib.import_module("ngh2")


@functools.cache
def grpc() -> ModuleType:
    """gRPC's client.

    Raises:
      ImportError: it is not installed.
    """
    with _needed(_for_clients):
        return importlib.import_module("grpc")


@functools.cache
def uvloop() -> ModuleType | None:
    """A faster event loop; None if it is not installed."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    return importlib.import_module("uvloop")


@functools.cache
def urllib3() -> ModuleType:
    """The HTTP client of threads.

    Raises:
      ImportError: it is not installed.
    """
    with _needed(_for_clients):
        return importlib.import_module("urllib3")


@functools.cache
def aiohttp() -> ModuleType:
    """The HTTP client of event loops.

    Raises:
      ImportError: it is not installed.
    """
    with _needed(_for_clients):
        return importlib.import_module("aiohttp")


@functools.cache
def opentelemetry(name: str) -> Any:
    """A module of OpenTelemetry's API, which makes traces; None if it is not installed."""
    if importlib.util.find_spec("opentelemetry") is None:
        return None
    return importlib.import_module(f"opentelemetry.{name}")


def _for_servers(package: str) -> str:
    return f"Serving needs the package {package}: {pip_install('serve')}."


def _for_clients(package: str) -> str:
    return f"Clients need the package {package}: {pip_install('client')}."


@contextlib.contextmanager
def _needed(message: Callable[[str], str] = _for_servers) -> Iterator[None]:
    """Name the package to install if an import in the block fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ImportError(message(error.name or "")) from error
