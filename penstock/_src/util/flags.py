"""All PENSTOCK_* environment variables: name, type, default and meaning. They are read nowhere else.

    flags.debug            the value now
    with override(debug=3): ...

`python -m penstock flags` prints the table.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Flag:
    """One environment variable: `PENSTOCK_` and the upper-cased name."""

    name: str
    kind: type
    default: Any
    meaning: str

    @property
    def variable(self) -> str:
        return "PENSTOCK_" + self.name.upper()

    def read(self) -> Any:
        """Returns the value from the environment, or the default."""
        text = os.environ.get(self.variable)
        if text is None or text == "":
            return self.default
        try:
            return self.kind(text)
        except ValueError:
            expected = getattr(self.kind, "expected", self.kind.__name__)
            raise ValueError(f"{self.variable}: expected {expected}. Received '{text}'.") from None


TABLE: dict[str, Flag] = {}


# Names for PENSTOCK_DISABLE: stages and parts of stages of the compiler that do not affect results.
OPTIONAL = {
    "simplify": "dropping checks that are known to hold",
    "loops": "moving products and sums of all rows out of loops",
    "products": "multiplying chains of products in the cheaper order",
    "heads": "separating gradients of heads that share keys and values, so that their attentions are recognized",
    "weights": "computing once the weights of products that follow from constants",
    "attention": "computing attentions in blocks, without storing their scores",
    "contractions": "kernels for products and convolutions; without them these are loop nests",
    "epilogues": "computing elementwise nodes on the tiles of contractions and the results of reductions",
    "streams": "running side by side what was placed on different logical devices",
    "rows": "reducing short rows again in every kernel that works on them",
    "merge": "making one kernel of several over one space",
    "packed": "products that unpack the blocks of packed weights where they multiply them",
    "widening": "keeping weights of few bits packed as the wider numbers that they are multiplied as",
    "winograd": "Winograd's algorithm for convolutions of 3 x 3",
}


class Disabled(frozenset[str]):
    """Names of OPTIONAL, of a text that separates them by commas."""

    expected = f"some of {', '.join(OPTIONAL)}"

    def __new__(cls, text: str) -> Disabled:
        names = {name.strip() for name in text.split(",")} - {""}
        for name in sorted(names - OPTIONAL.keys()):
            warnings.warn(
                f"PENSTOCK_DISABLE: there is no '{name}', which is ignored{_instead(name, OPTIONAL)}. It takes {cls.expected}.",
                RuntimeWarning,
                stacklevel=2,
            )
        return super().__new__(cls, names & OPTIONAL.keys())


# Permissions of graphs from files, if their callers allow them (core/calls/consent.py).
CAPABILITIES = {
    "read_files": "reads files",
    "write_files": "writes files",
    "python": "calls Python code",
    "network": "opens connections",
    "end_process": "ends the process",
}


def capabilities_in(names: str | Iterable[str]) -> frozenset[str]:
    """Returns the capabilities that one name, or several, give; "all" gives all.

    Raises:
      ValueError: there is no such capability.
    """
    asked = frozenset([names] if isinstance(names, str) else names)
    if "all" in asked:
        return frozenset(CAPABILITIES)
    if not asked <= CAPABILITIES.keys():
        raise ValueError(
            f"Expected capabilities {', '.join(CAPABILITIES)} or all. Received "
            f"{', '.join(sorted(map(str, asked - CAPABILITIES.keys())))}."
        )
    return asked


class Allowed(frozenset[str]):
    """Names of CAPABILITIES, of a text that separates them by commas; "none" allows nothing."""

    expected = f"none, all or some of {', '.join(CAPABILITIES)}"

    def __new__(cls, text: str) -> Allowed:
        names = {name.strip() for name in text.split(",")} - {"", "none"}
        return super().__new__(cls, capabilities_in(names))


class Compression(str):
    """The type in which large sums travel; empty for their own."""

    __slots__ = ()
    expected = "bfloat16"

    def __new__(cls, text: str) -> Compression:
        if text not in ("", "bfloat16"):
            raise ValueError(text)
        return super().__new__(cls, text)


class Bytes(int):
    """A number of bytes, of a text that may end in KB, MB, GB or TB."""

    expected = "a number of bytes, such as 1000000, 500MB or 8GB"
    UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

    def __new__(cls, value: str | int) -> Bytes:
        text = str(value).strip().upper()
        unit = cls.UNITS.get(text[-2:], 1)
        size = int(float(text[:-2]) * unit) if unit > 1 else int(text)
        if size < 0:
            raise ValueError(cls.expected)
        return super().__new__(cls, size)


def _instead(name: str, known: Iterable[str]) -> str:
    """Return the suggested spelling of a misspelt name, as the end of a sentence."""
    import difflib  # for a warning only

    near = difflib.get_close_matches(name, list(known), 1)
    return f" (did you mean {near[0]}?)" if near else ""


def warn_of_unknown() -> None:
    """Warns of environment variables that look like flags but are not."""
    known = {flag.variable for flag in TABLE.values()}
    for name in sorted(os.environ):
        if name.startswith("PENSTOCK_") and name not in known and not name.startswith(_OF_TESTS):
            warnings.warn(
                f"{name} has no effect: there is no such flag{_instead(name, known)}. `penstock flags` lists them.",
                RuntimeWarning,
                stacklevel=2,
            )


_OF_TESTS = "PENSTOCK_FUZZ_"  # read by Penstock's own tests


class Flags:
    """Attribute access to the current values, read from the environment once."""

    def __getattr__(self, name: str) -> Any:
        if name not in TABLE:
            raise AttributeError(f"There is no flag '{name}'.")
        if not vars(self):  # the first flag that is read
            warn_of_unknown()
        value = TABLE[name].read()
        setattr(self, name, value)
        return value


flags = Flags()


def declare(name: str, kind: type, default: Any, meaning: str) -> None:
    """Adds a flag to the table."""
    TABLE[name] = Flag(name, kind, default, meaning)


@contextlib.contextmanager
def override(**values: Any) -> Iterator[None]:
    """Sets flags within a `with` block."""
    before = {name: getattr(flags, name) for name in values}
    for name, value in values.items():
        setattr(flags, name, TABLE[name].kind(value))
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(flags, name, value)


declare(
    "debug",
    int,
    0,
    "0 quiet; 1 every trace and why, and every compilation; 2 also every run of a program; "
    "3 the primitives after each stage; 4 the LLVM IR of new kernels.",
)
declare(
    "verify",
    int,
    0,
    "1 verifies the primitives after each stage, and LLVM IR before it is compiled.",
)
declare(
    "check",
    int,
    0,
    "1 repeats every run by the interpreter and compares the results; n every nth of each program.",
)
declare("guard", int, 0, "1 gives every buffer its own memory with sentinels, checked after a run.")
declare(
    "checked",
    int,
    0,
    "1 checks every load and store of generated code against its buffer, and poisons temporaries; slow.",
)
declare("cache_dir", str, "", "Folder of compiled kernels; by default in the user's cache folder.")
declare(
    "cache_key",
    str,
    "",
    "File of the key that signs kernels; by default in the user's configuration.",
)
declare(
    "trusted_keys",
    str,
    "",
    "Folder of the public keys whose packs of machine code may run (`penstock trust`); by default in the user's configuration.",
)
declare(
    "tuning",
    str,
    "",
    "File of tuning records (`penstock tune`); by default tuning.json beside the kernel cache.",
)
declare(
    "cpu",
    str,
    "",
    "Generates code for x86-64-v2 (SSE4), x86-64-v3 (AVX2) or x86-64-v4 (AVX-512) instead of all that this processor has.",
)
declare(
    "memory_limit",
    Bytes,
    Bytes(0),
    "Most memory of arrays, such as 500MB or 8GB; 0 means the machine's or the control group's.",
)
declare(
    "load_seconds",
    float,
    0.0,
    "Seconds that loading a SavedModel or a Keras file may take; 0 means no limit.",
)
declare("threads", int, 0, "Threads of the pool; 0 means the cores that this process may use.")
declare(
    "device",
    str,
    "CPU",
    "Device of compiled functions: CPU, GPU, GPU_emulated (on the CPU), PJRT (a plugin), reference (interpreter), null.",
)
declare("emulated_gpus", int, 1, "Number of GPUs of PENSTOCK_DEVICE=GPU_emulated.")
declare("emulated_capability", str, "8.0", "Compute capability of these GPUs.")
declare(
    "tensor_float_32",
    int,
    1,
    "0 multiplies float32 exactly on GPUs that would round it to TF32; `enable_tensor_float_32_execution` sets it.",
)
declare(
    "pjrt_plugin",
    str,
    "",
    "Library of the PJRT plugin that PENSTOCK_DEVICE=PJRT runs functions on; by default libtpu's.",
)
declare(
    "disable",
    Disabled,
    Disabled(""),
    f"Comma-separated stages that the compiler leaves out: {', '.join(OPTIONAL)}.",
)
declare(
    "optimize",
    int,
    2,
    "LLVM's level of code generation: 2; 0 compiles the same IR twice as fast, for random tests.",
)
declare("dump", str, "", "Folder into which every compiler stage writes its result.")
declare(
    "allow",
    Allowed,
    None,
    "Comma-separated capabilities of graphs from files besides computing: read_files, write_files, python, network; all; "
    "or none, which also applies to GraphDefs that the program imports itself.",
)
declare(
    "transport",
    str,
    "",
    "Transport of values between a cluster's processes: mpi or grpc; by default MPI if its launcher or Slurm started them.",
)
declare(
    "cluster_key",
    str,
    "",
    "A secret that calls between tasks of a cluster (tf.distribute.Server, the tf.data service) must carry; none if empty.",
)
declare(
    "elastic_address",
    str,
    "",
    "Set by `penstock launch --elastic`: where workers ask for their cluster.",
)
declare(
    "elastic_worker",
    int,
    0,
    "Set by `penstock launch --elastic`: the number of the worker.",
)
declare(
    "heartbeat",
    float,
    5.0,
    "Seconds of silence after which a process of the cluster counts as lost; 0: never.",
)
declare(
    "compress_sums",
    Compression,
    Compression(""),
    "bfloat16: large float32 sums over the processes of a cluster, such as gradients, are sent rounded, in half the bytes.",
)
declare(
    "progress",
    int,
    1,
    "0 hides the line that terminals and notebooks show if tracing, compiling or a command takes over two seconds.",
)
