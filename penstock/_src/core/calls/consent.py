"""Permissions of graphs loaded from files: besides computing, a graph may do only what its caller allows.

    tf.saved_model.load(folder, allow=["read_files"])       for this model
    with tf.saved_model.experimental.allow("read_files"):   for all that is loaded in the block
    PENSTOCK_ALLOW=read_files,write_files                   for the process

An op's class declares its permissions and which of its arguments name the files (`Op.permissions`). The
importer puts a check before the kernels of such ops in a graph that comes from a file. Files in the model's own folder may
be read without consent.
"""

import collections
import contextlib
import contextvars
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from penstock._src.core.calls.lines import functions_of
from penstock._src.core.errors import PermissionDeniedError
from penstock._src.core.op import Op
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export
from penstock._src.util.flags import CAPABILITIES, capabilities_in, flags
from penstock._src.util.process import forks

# File systems of this machine, beside those that are reached over the network.
_LOCAL = ("file://", "ram://", "memory://")
# Prefixes of paths that the program itself has just asked a loaded graph to write or read, and how often.
_ASKED: collections.Counter[str] = collections.Counter()
_LOCK = forks.freed_in_child(threading.Lock())
# The capabilities granted by this thread's innermost `allow` block; None outside of such blocks.
_BLOCK: contextvars.ContextVar[frozenset[str] | None] = contextvars.ContextVar(
    "allowed", default=None
)


@dataclass(frozen=True)
class Consent:
    """Capabilities granted to the graphs of one file.

    Args:
      origin: the file or folder, for messages.
      folder: of the model, whose files may be read; or None.
      allowed: names of CAPABILITIES.
    """

    origin: str
    folder: str | None
    allowed: frozenset[str]

    def check(self, op: Op, node: str, values: Sequence[Any]) -> None:
        """Raise PermissionDeniedError if an operation needs a capability that was not granted."""
        if self.allowed.issuperset(CAPABILITIES):
            return
        missing = needed(op, op.touched_files(values), self.folder) - self.allowed
        if not missing:
            return
        names = ", ".join(sorted(missing))
        deeds = " and ".join(CAPABILITIES[name] for name in sorted(missing))
        paths = op.touched_files(values)
        shown = f" ({', '.join(paths[:3])})" if paths else ""
        raise PermissionDeniedError(
            f"{op.op_type}: the operation '{node}' of {self.origin} {deeds}{shown}, which a loaded graph may do only if "
            f"its caller allows it. If you trust it, load it with allow={sorted(missing)!r}, within "
            f"tf.saved_model.experimental.allow(...), or set PENSTOCK_ALLOW={names.replace(', ', ',')}."
        )


def needed(op: Any, paths: Sequence[str] | None, folder: str | None = None) -> set[str]:
    """Returns the capabilities that an op needs.

    Args:
      op: the op or its class.
      paths: the files that it touches; None if that is not known.
      folder: whose files may be read.
    """
    capabilities = set(op.permissions.capabilities.split())
    if paths is None:
        return capabilities
    if any("://" in path and not path.startswith(_LOCAL) for path in paths):
        capabilities.add("network")
    if all(_is_asked_for(path) for path in paths):
        return capabilities - {"read_files", "write_files"}
    are_patterns = op.permissions.are_patterns
    if folder is not None and all(_may_read(path, folder, are_patterns) for path in paths):
        capabilities.discard("read_files")
    return capabilities


def without_scheme(path: str) -> str:
    """A path of this machine as the system has it: file:///a is /a. Paths with other schemes are returned as they are."""
    return path.removeprefix("file://")


def is_inside(path: str, folder: str) -> bool:
    """True if a path is the folder or in it, after links in both are followed. Paths with other schemes than file:// have no links."""
    path, folder = without_scheme(path), without_scheme(folder)
    if "://" in path or "://" in folder:
        return path.startswith(folder.rstrip("/") + "/") and ".." not in path.split("/")
    inner, outer = os.path.realpath(path), os.path.realpath(folder)
    return inner == outer or inner.startswith(os.path.join(outer, ""))


def is_below(path: str, folder: str) -> bool:
    """True if a path is inside of a folder, and not the folder itself."""
    return is_inside(path, folder) and not is_inside(folder, path)


def _may_read(path: str, folder: str, are_patterns: bool) -> bool:
    """True if all files that an op opens at a path are in a folder.

    Besides the file these are, for an op that takes a prefix, those whose names begin so; for one that takes a folder, all in it.
    """
    # A pattern may match a link to a file outside of the folder, and the folder's own name may be read as a pattern.
    path, folder = without_scheme(path), without_scheme(folder)
    written = path if are_patterns else path.removeprefix(folder)
    if any(character in written for character in "*?["):
        return False
    if not is_inside(path, folder):
        return False
    return "://" in folder or all(is_inside(link, folder) for link in _links_at(path))


def _links_at(path: str) -> Iterator[str]:
    """The symbolic links among the files whose paths begin with `path`, and in folders there."""
    above, start = os.path.split(path)
    if not os.path.isdir(above or "."):
        return
    folders = []
    with os.scandir(above or ".") as entries:
        for entry in entries:
            if not entry.name.startswith(start):
                continue
            if entry.is_symlink():
                yield entry.path
            elif entry.is_dir():
                folders.append(entry.path)
    for folder in folders:
        for place, names, files in os.walk(folder):
            paths = (os.path.join(place, name) for name in (*names, *files))
            yield from filter(os.path.islink, paths)


@contextlib.contextmanager
def asked_for(path: str) -> Iterator[None]:
    """Within this block loaded graphs may write and read `path` and files beside it with endings: the user named it."""
    with _LOCK:
        _ASKED[path] += 1
    try:
        yield
    finally:
        with _LOCK:
            _ASKED[path] -= 1
            if not _ASKED[path]:
                del _ASKED[path]


def _is_asked_for(path: str) -> bool:
    for asked in list(_ASKED):
        ending = path.removeprefix(asked)
        if path.startswith(asked) and ending[:1] in ("", ".", "_", "-"):
            return ".." not in ending.split("/")
    return False


def consent_for(origin: str, folder: str | None, allow: str | Iterable[str] = ()) -> Consent:
    """Returns the permissions of a file's graphs.

    Args:
      origin: the file or folder.
      folder: whose files may be read.
      allow: names of CAPABILITIES besides those of the enclosing block or process.

    Raises:
      ValueError: there is no such capability.
    """
    return Consent(origin, folder, capabilities_in(allow) | _policy())


def consent_of_program() -> Consent | None:
    """Returns the permissions of GraphDefs that the program imports itself; None (all allowed) unless a block or PENSTOCK_ALLOW sets a policy."""
    if _BLOCK.get() is None and flags.allow is None:
        return None
    return Consent("a GraphDef", None, _policy())


@contextlib.contextmanager
def reading_files() -> Iterator[None]:
    """Within the block, GraphDefs that this thread imports have the permissions of a file's: it has read them from files."""
    token = _BLOCK.set(_policy())
    try:
        yield
    finally:
        _BLOCK.reset(token)


def _policy() -> frozenset[str]:
    block = _BLOCK.get()
    return (flags.allow or frozenset()) if block is None else block


def is_allowed(capability: str) -> bool:
    """True if the enclosing block or the process grants a capability to all loaded models."""
    return capability in _policy()


@export("saved_model.experimental.allow", v1=[])
@contextlib.contextmanager
def allow(*capabilities: str) -> Iterator[None]:
    """Grants capabilities to graphs that are loaded within the block; without names, none.

    Within the block this holds for every GraphDef, those that the program imports itself included. Outside of blocks,
    the environment variable PENSTOCK_ALLOW says it for the process.

    Args:
      *capabilities: of "read_files" (outside of the model's folder), "write_files", "python"
        (calling Python functions of this process, and unmarshalling code), "network", "end_process"
        (`tf.raw_ops.Abort`); "all" for all of them.

    Returns:
      A context manager.

    Raises:
      ValueError: there is no such capability.

    >>> with tf.saved_model.experimental.allow("read_files"):
    ...     pass
    """
    token = _BLOCK.set(capabilities_in(capabilities))
    try:
        yield
    finally:
        _BLOCK.reset(token)


def guarded(cls: type[Op], node: str, consent: Consent | None) -> type[Op]:
    """Return a subclass of the op whose kernel first checks the graph's permissions; `cls` itself if no check is needed."""
    permissions = cls.permissions
    if consent is None or not (permissions.capabilities or permissions.makes_graphs):
        return cls

    def eager(self: Op, *values: Any) -> Any:
        consent.check(self, node, values)
        return cls.eager(self, *values)

    members = {
        "__doc__": cls.__doc__,
        "__module__": cls.__module__,
        "consent": consent,
        "eager": eager,
        # Only `eager` asks: what computes the op otherwise is left out.
        "eager_each": None,
        "eager_given": None,
        "on_devices": None,
        "lower": None,
        "is_abstract": True,  # nobody finds it by its name
        "stateful": cls.stateful,
    }
    return type(cls.__name__, (cls,), members)


def consent_in(graph: Any) -> Consent | None:
    """Returns the permissions that the operations of a graph have in common, for a copy that is made of its GraphDef; None for any.

    A GraphDef does not say which file its operations are from.
    """
    found: dict[int, Consent] = {}
    graphs, seen = [graph], set[int]()
    while graphs:
        for operation in graphs.pop()._operations:
            consent = operation.raw_op.consent
            if consent is not None:
                found[id(consent)] = consent
            for function in functions_of(operation):
                if id(function) not in seen:
                    seen.add(id(function))
                    graphs.append(function.graph)
    if not found:
        return None
    each = list(found.values())
    allowed = frozenset.intersection(*[consent.allowed for consent in each])
    folder = each[0].folder if len(each) == 1 else None
    return Consent(", ".join(consent.origin for consent in each), folder, allowed)
