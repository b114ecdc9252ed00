"""Ops on the process and its devices."""

import os
import sys

import numpy as np

from penstock._src.core.calls.facts import Permissions
from penstock._src.core.errors import FailedPreconditionError, UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY
from penstock._src.ops.strings.elements import strings


class Abort(Op):
    """Ends the process: with status 0, or by a signal after the message."""

    signature = "->"
    permissions = Permissions(capabilities="end_process")
    error_msg: str = ""
    exit_without_error: bool = False

    def eager(self):
        if self.exit_without_error:
            os._exit(0)
        print(f"Abort_op intentional failure; {self.error_msg}", file=sys.stderr, flush=True)
        os.abort()


class Fact(Op):
    """A fact about factorials."""

    signature = "-> fact: string[]"

    def eager(self):
        return strings([b"0! == 1"], ())


class SyncDevice(Op):
    """Waits until the device is idle; a no-op on CPUs."""

    signature = "->"
    stateful = True

    def eager(self):
        return None


class CheckPinned(Op):
    """Raises an error for memory that is not pinned for a GPU."""

    signature = "tensor: T -> output: T[tensor]"
    T = ANY

    def eager(self, tensor):
        raise FailedPreconditionError("to check pinnedness, must be built with `--config=cuda`")


class FileSystemSetConfiguration(Op):
    """Sets an option of a file system; none has any."""

    signature = "scheme: string, key: string, value: string ->"
    stateful = True

    def eager(self, scheme, key, value):
        known = np.asarray(scheme).item().decode()
        if known not in ("", "file", "ram"):
            raise UnimplementedError(f"File system scheme '{known}' not found to set configuration")
        raise UnimplementedError("SetOption")


class DisableCopyOnRead(Op):
    """Requests that reads of a variable do not copy it; reads never copy here."""

    signature = "resource: resource ->"

    def eager(self, resource):
        return None
