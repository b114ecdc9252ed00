"""Runs calls on TensorFlow itself, in a process of the Python that PENSTOCK_FUZZ_TENSORFLOW names.

The process reads calls as lines of JSON and answers with pickles. This file is that process's script too, which therefore imports
nothing of Penstock's.
"""

import importlib.util
import inspect
import json
import os
import pickle
import resource
import select
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

VARIABLE = "PENSTOCK_FUZZ_TENSORFLOW"
SECONDS = 30.0
START = 120.0
ADDRESS_SPACE = 16 << 30


class Peer:
    """The process, started at the first call and again after a death or a hang."""

    def __init__(self, python: str) -> None:
        self.python = python
        self.process: Any = None

    def ask(self, call: Any) -> tuple[str, Any]:
        """What came of a call: ("result", values), ("error", (class, message)), ("death", None) or ("hang", None)."""
        fresh = self.process is None or self.process.poll() is not None
        if fresh:
            environment = {
                **os.environ,
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "CUDA_VISIBLE_DEVICES": "",
                "OMP_NUM_THREADS": "1",
            }
            environment.pop("PYTHONPATH", None)
            self.process = subprocess.Popen(
                [self.python, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, env=environment, cwd=tempfile.gettempdir(),
            )  # fmt: skip
        try:
            self.process.stdin.write(json.dumps(call).encode() + b"\n")
            self.process.stdin.flush()
            head = self._read(8, START if fresh else SECONDS)
            (size,) = struct.unpack("<Q", head)
            return pickle.loads(self._read(size, SECONDS))
        except TimeoutError:
            self.process.kill()
            self.process.wait()
            return "hang", None
        except (BrokenPipeError, EOFError):
            self.process.wait()
            return "death", None

    def _read(self, size: int, seconds: float) -> bytes:
        found = b""
        while len(found) < size:
            if not select.select([self.process.stdout], [], [], seconds)[0]:
                raise TimeoutError
            part = os.read(self.process.stdout.fileno(), size - len(found))
            if not part:
                raise EOFError
            found += part
        return found


_peer: Any = None
# What only TensorFlow's build or age says.
_APART = (
    "is not available in GraphDef version",
    "Cast float to",
    "no attribute '",
    "Could not find device",
)
# Which of these is said of a call depends on where it is checked.
_FOR_WRONG_CALLS = {"InvalidArgumentError", "ValueError", "TypeError", "UnimplementedError"}


def peer() -> Any:
    """The process, None where no TensorFlow is named."""
    global _peer
    if _peer is None and os.environ.get(VARIABLE):
        _peer = Peer(os.environ[VARIABLE])
    return _peer


def compared(call: Any, eager: Any) -> tuple[str, str]:
    """(finding, text) about TensorFlow's outcome beside Penstock's, both eager; ("", "") where there is no TensorFlow."""
    if peer() is None:
        return "", ""
    from tests.fuzz.calls import judging

    kind, what = peer().ask(call)
    if kind in ("death", "hang"):
        return "", ""
    if kind == "error":
        name, message = what
        if any(words in message for words in _APART):
            return "", ""
        if (
            name in ("UnimplementedError", "NotFoundError")
            and "Could not find" in message
            or "no kernel" in message.lower()
        ):
            return "", ""  # a type for which its CPU has no kernel
        if eager.error is None:
            return f"accepts what TensorFlow refuses ({name})", message[:300]
        ours = type(eager.error).__name__
        if "function" in call or {ours, name} <= _FOR_WRONG_CALLS:
            return "", ""
        return (
            (f"{ours}, TensorFlow {name}", f"{eager.error}"[:300] + "\n" + message[:300])
            if ours != name
            else ("", "")
        )
    if eager.error is not None:
        return f"refuses what TensorFlow takes ({type(eager.error).__name__})", f"{eager.error}"[
            :400
        ]
    if not judging.is_repeatable(call):
        return "", ""
    wrong = judging.unequal(what, eager.values, judging.rounds_alike(call))
    return ("values differ from TensorFlow's", wrong) if wrong else ("", "")


# -- the process -----------------------------------------------------------------------------------------------------------


def _module(name: str) -> Any:
    spec: Any = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def serve() -> None:
    """Answers calls until the input ends."""
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    import tensorflow as tf

    calls, resources = _module("call"), _module("resources")
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for line in sys.stdin:
        call = json.loads(line)
        try:
            function = calls.target(tf, call)
            named = list(inspect.signature(function).parameters)
            arguments = calls.bound(tf, call, resources, named)
            arguments = {name: value for name, value in arguments.items() if name in named}
            answer: Any = "result", calls.host_values(function(**arguments))
        except Exception as error:
            answer = "error", (type(error).__name__, str(error))
        try:
            data = pickle.dumps(answer)
        except Exception as error:
            data = pickle.dumps(("error", (type(error).__name__, str(error))))
        os.write(answers, struct.pack("<Q", len(data)))
        with os.fdopen(os.dup(answers), "wb") as out:
            out.write(data)


if __name__ == "__main__":
    serve()
