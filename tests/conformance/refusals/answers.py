"""What a module answers to calls: the class of an error, or the outputs; eagerly, and in functions that know shapes or do not.

    python -m tests.conformance.refusals.answers tensorflow|penstock FILE [PART]

answers every spoilt call in a process of its own that is ended when it takes too long, and writes FILE.
"""

import importlib
import os
import pickle
import resource
import signal
import subprocess
import sys
import time

import numpy as np

from tests.conformance.calling import call

MODES = ("eager", "known", "unknown")
LIMIT_S = 5
MOST_MEMORY = 6 << 30
MOST_OUTPUT = 4000
# Calls of each op.
MOST = int(os.environ.get("MOST", "40"))


def answer(tf, spoilt, mode):
    """Returns ("error", class, message) or ("computed", outputs), with what variables then hold."""
    variables = []
    try:
        outputs = computed(tf, spoilt, mode, variables)
        found = ("computed", [shown(out.numpy()) for out in outputs])
    except Exception as error:
        found = ("error", type(error).__name__, str(error))
    return (*found, [v.numpy() for v in variables])


def shown(array):
    """An output; of a large one its shape and type."""
    array = np.asarray(array)
    return array if array.size <= MOST_OUTPUT else (array.shape, array.dtype.name)


def computed(tf, spoilt, mode, variables):
    """Returns the outputs of a call, whose variables are added to a list."""
    tf.random.set_seed(0)
    flat = [p for value in spoilt.inputs for p in (value if isinstance(value, list) else [value])]
    unknown = mode == "unknown"
    for array in spoilt.variables or ():
        shape = tf.TensorShape(None) if unknown else None
        variables.append(tf.Variable(array, shape=shape))

    def run(*tensors):
        rest = iter(tensors)
        values = [
            [next(rest) for _ in value] if isinstance(value, list) else next(rest)
            for value in spoilt.inputs
        ]
        return call(tf, spoilt.op, [*(v.handle for v in variables), *values], spoilt.attrs)

    constants = [tf.constant(array) for array in flat]
    if mode != "eager":
        shapes = [None if unknown else array.shape for array in flat]
        specs = [tf.TensorSpec(s, c.dtype) for s, c in zip(shapes, constants, strict=True)]
        run = tf.function(run, input_signature=specs, autograph=False)
    return run(*constants)


# -- in processes ----------------------------------------------------------------------------------


def worker(module):
    """Answers calls whose names come in; one pickled answer for each goes out."""
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    from tests.conformance.refusals.mutations import spoilt_calls

    tf = importlib.import_module(module)
    calls = {c.spoilt: c for c in spoilt_calls()}
    pickle.dump("ready", out)
    out.flush()
    for line in sys.stdin:
        name, mode = line.rstrip("\n").split("\t")
        pickle.dump(answer(tf, calls[name], mode), out)
        out.flush()


class Process:
    """A worker that is started again after it died or was ended."""

    def __init__(self, module):
        self.module, self.process = module, None

    def start(self):
        command = [sys.executable, "-m", __spec__.name, "worker", self.module]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        pickle.load(self.process.stdout)

    def ask(self, name, mode):
        """Returns the answer, ("died",) or ("hung",)."""
        if self.process is None:
            self.start()
        self.process.stdin.write(f"{name}\t{mode}\n".encode())
        try:
            self.process.stdin.flush()
            signal.signal(signal.SIGALRM, ended)
            signal.alarm(LIMIT_S)
            found = pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError):
            found = ("died",)
        except TimeoutError:
            found = ("hung",)
        finally:
            signal.alarm(0)
        if len(found) == 1:
            self.process.kill()
            self.process.wait()
            self.process = None
        return found


def ended(*_):
    raise TimeoutError


def main(module, path, part="0/1"):
    """Answers a part of all calls, such as 0/2."""
    from tests.conformance.refusals.mutations import chosen_calls

    at, parts = map(int, part.split("/"))
    process, found, start = Process(module), {}, time.time()
    chosen = [c for c in chosen_calls(MOST) if c.seed % parts == at and wanted(c)]
    for count, spoilt in enumerate(chosen):
        for mode in MODES:
            found[spoilt.spoilt, mode] = process.ask(spoilt.spoilt, mode)
            if len(found[spoilt.spoilt, mode]) == 1:
                print(spoilt.op, spoilt.spoilt, mode, found[spoilt.spoilt, mode], flush=True)
        if count % 500 == 0:
            print(count, len(chosen), round(time.time() - start), flush=True)
            with open(path, "wb") as file:
                pickle.dump(found, file)
    with open(path, "wb") as file:
        pickle.dump(found, file)


def wanted(spoilt):
    """Whether a call is of an op that is asked for: all, but where OPS names some."""
    ops = os.environ.get("OPS", "")
    return not ops or spoilt.op in ops.split(",")


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        worker(sys.argv[2])
    else:
        main(*sys.argv[1:])
