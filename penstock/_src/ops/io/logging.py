"""Assertions, printing, numeric checks."""

import os
import sys
import threading
import time

import numpy as np

from penstock._src.core.calls.attributes import as_bytes
from penstock._src.core.calls.facts import Effects, Permissions, Slices
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY
from penstock._src.core.values import kernel_state
from penstock._src.core.values.device_array import on_host
from penstock._src.filesystems.files import open_file
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.strings.convert import elements

# The streams of the runtime's log, least severe first.
_SEVERITIES = ("log(info)", "log(warning)", "log(error)")


class Assert(Op):
    """Raises InvalidArgumentError with summaries of the data unless the condition holds."""

    signature = "condition: bool[], data: *T ->"
    summarize: int = 3
    stateful = True
    effects = Effects(leaves_nothing=True)
    differentiable = False

    def on_devices(self, inputs):
        """Return nothing if the condition holds: then the data need not be read."""
        condition = on_host(inputs[0])
        return () if not condition.ndim and condition else None

    def eager(self, condition, data):
        if condition.ndim:
            raise self.invalid("In[0] should be a scalar")
        if condition:
            return
        shown = " ".join(f"[{elements(x, self.summarize)}]" for x in data)
        raise InvalidArgumentError(f"assertion failed: {shown}")

    def lower(self, p, condition, data):
        known = p.value(condition)
        if known is not None and bool(known):
            return ()
        raise NotLowerable("its message shows values")


class Print(Op):
    """The input, after a line with summaries of the data on the standard error stream."""

    signature = "input: T, data: *U -> output: T[input]"
    T = ANY
    slices = Slices(accepted=True)
    message: str = ""
    first_n: int = -1
    summarize: int = 3
    stateful = True

    def gradient(self, _input, data, _output, dy):
        return dy, [None] * len(data)

    def eager(self, input, data):
        def step(count):
            return count, count + 1

        count = kernel_state.update(self, lambda: 0, step)
        if self.first_n < 0 or count < self.first_n:
            shown = "".join(f"[{elements(x, self.summarize)}]" for x in data)
            print(self.message + shown, file=sys.stderr)
        return input


class PrintV2(Op):
    """Writes a string to a stream or a file."""

    signature = "input: string[] ->"
    permissions = Permissions(capabilities="write_files", file_arguments="output_stream")
    output_stream: str = "stderr"
    end: str = "\n"
    stateful = True

    def touched_files(self, values):
        """The file that is the output stream, if it is one."""
        stream = self.output_stream
        return [stream.removeprefix("file://")] if stream.startswith("file://") else []

    def eager(self, input):
        if input.ndim:
            raise self.invalid(f"Input is expected to be scalar, but got {list(input.shape)}")
        data = input.item() + as_bytes(self.end)
        text = data.decode("utf-8", "replace")
        stream = self.output_stream
        if stream.startswith("file://"):
            with open_file(stream, "ab") as file:
                file.write(data)
        elif stream == "stdout":
            sys.stdout.write(text)
            sys.stdout.flush()
        elif stream == "stderr":
            sys.stderr.write(text)
            sys.stderr.flush()
        elif stream in _SEVERITIES:
            _log(_SEVERITIES.index(stream), text)
        else:
            raise self.invalid(
                f"Unknown output stream: {stream}, Valid streams are: stdout stderr {' '.join(_SEVERITIES)}"
            )


def _log(severity, text):
    """Writes the log messages of TensorFlow's runtime: to standard error, independent of Python's loggers."""
    least = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0")
    if not least.isdigit() or severity >= int(least):
        head = f"{'IWE'[severity]}0000 00:00:{time.time():.6f} {threading.get_native_id():>7} tf.print]"
        sys.stderr.write(f"{head} {text}\n")
        sys.stderr.flush()


class Timestamp(Op):
    """Seconds since the epoch."""

    signature = "-> ts: float64[]"
    stateful = True
    differentiable = False

    def eager(self):
        return np.float64(time.time())
