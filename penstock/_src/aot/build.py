"""Builds a model ahead of time: concrete functions in, a folder of objects, libraries and sources out."""

import contextlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from penstock._src.aot.archive import archive
from penstock._src.aot.code.objects import ModelObjects, model_objects
from penstock._src.aot.linking import can_link, compiler_of, link_shared
from penstock._src.aot.model.hoisting import Hoisting
from penstock._src.aot.model.narrow import KINDS, NarrowWeights
from penstock._src.aot.model.plans import PlannedModel, assigned_handles, plan_model
from penstock._src.aot.model.signature import LoweredFunction, lower_function
from penstock._src.aot.recording import Recorded, record
from penstock._src.aot.sources import c_files, js_files
from penstock._src.aot.sources.wheel import wheel, wheel_name
from penstock._src.aot.targets import Machine, machine_of
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.filesystems.whole import write_whole
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.util.export import export
from penstock._src.util.flags import flags, override

MOST_THREADS = 64
FULL = "float32"
TOLERANCE = 2e-5  # of the largest value: how far sums in another order may be from Penstock's own
_FOR_ALL = ("libpenstock_model.h", "penstock_model.hpp", "PenstockModel.java")
_WORDS = set(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while".split()
)


@export("aot.BuildOptions", v1=[])
@dataclass(frozen=True)
class BuildOptions:
    """Options of building a model.

    Args:
      target: such as "aarch64-linux"; "native" is this machine.
      cpu: a processor that LLVM knows; by default the least that is common.
      features: LLVM's, besides those of the processor.
      batches: sizes that the first axis of open inputs may have; none: 1.
      shapes: of inputs that leave other extents open, by name.
      samples: values of inputs by name, for the test programs.
      small: whether the bytes of weights count more than speed.
      weights: whether weights are a file of their own.
      threads: that share the work of a call.
      python: whether a wheel is written, too.
      precision: storage of large unassigned weights: "float32", "float16", "bfloat16" or "int8".
    """

    target: str = "native"
    cpu: str = ""
    features: str = ""
    batches: tuple[int, ...] = ()
    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    samples: Mapping[str, np.ndarray] = field(default_factory=dict)
    small: bool = False
    weights: bool = False
    threads: int = 1
    python: bool = False
    precision: str = FULL


@export("aot.Built", v1=[])
@dataclass(frozen=True, eq=False)
class Built:
    """A built model, before its files are written.

    Args:
      name: prefix of its symbols.
      machine: what it is built for.
      model: its plans.
      objects: its code.
      lowered: its signatures.
      functions: the concrete functions.
    """

    name: str
    machine: Machine
    model: PlannedModel
    objects: ModelObjects
    lowered: tuple[LoweredFunction, ...]
    functions: tuple[ConcreteFunction, ...]

    @property
    def code_bytes(self) -> int:
        """Size of the object file without the constants in it."""
        return len(self.objects.model) - (
            0 if self.objects.constants else len(self.model.data.bytes())
        )


@export("aot.build", v1=[])
def build(
    functions: Mapping[str, ConcreteFunction], name: str, options: BuildOptions | None = None
) -> Built:
    """Compiles a model ahead of time.

    Args:
      functions: its concrete functions by the names of signatures.
      name: prefix of all its symbols, an identifier of C.
      options: a BuildOptions.

    Returns:
      A Built, which `tf.aot.write` writes.

    Raises:
      InvalidArgumentError: the name, the target or a shape is not right.
      UnimplementedError: a function needs the host, as strings and tables do.

    >>> twice = tf.function(lambda x: {"y": 2.0 * x})
    >>> function = twice.get_concrete_function(tf.TensorSpec([3], tf.float32, "x"))
    >>> built = tf.aot.build({"twice": function}, "twice", tf.aot.BuildOptions(target="wasm32"))
    >>> built.objects.model[:4]
    b'\\x00asm'
    """
    options = options or BuildOptions()
    _check_names([name, *functions])
    if not 1 <= options.threads <= MOST_THREADS:
        raise InvalidArgumentError(
            f"--threads: expected 1 to {MOST_THREADS}. Received {options.threads}."
        )
    machine = machine_of(options.target, options.cpu, options.features)
    lowered = tuple(
        lower_function(called, function, options.batches, options.shapes)
        for called, function in functions.items()
    )
    hoisting, assigned = Hoisting(), {id(handle) for handle in assigned_handles(lowered)}
    lowered = tuple(hoisting.hoisted(each, assigned) for each in lowered)
    if options.precision != FULL:
        lowered = _narrowed(lowered, options.precision)
    with _compiler_flags(options, machine):
        model = plan_model(lowered, machine, options.threads, options.weights)
    objects = model_objects(model, name, options.weights)
    return Built(name, machine, model, objects, lowered, tuple(functions.values()))


def _narrowed(lowered: tuple[LoweredFunction, ...], kind: str) -> tuple[LoweredFunction, ...]:
    """Functions over weights of fewer bits."""
    if kind not in KINDS:
        raise InvalidArgumentError(
            f"--precision: expected one of {', '.join(KINDS)}. Received '{kind}'."
        )
    narrow = NarrowWeights(kind, {id(handle) for handle in assigned_handles(lowered)})
    return tuple([narrow.narrowed(each) for each in lowered])


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) or names[0] in _WORDS:
            raise InvalidArgumentError(
                f"A name of a built model must be an identifier of C. Received '{name}'."
            )


def _compiler_flags(
    options: BuildOptions, machine: Machine
) -> contextlib.AbstractContextManager[None]:
    """A context that disables optimizations that enlarge weights, if size counts."""
    if not options.small and not machine.target.is_microcontroller:
        return contextlib.nullcontext()
    return override(disable=",".join({*flags.disable, "widening", "winograd"}))


@export("aot.write", v1=[])
def write(built: Built, folder: str | Path, options: BuildOptions | None = None) -> list[Path]:
    """Writes a built model.

    Args:
      built: what `tf.aot.build` gave.
      folder: where to; it is made.
      options: those of the build.

    Returns:
      The files: NAME.o, libNAME.a, libNAME.so if there is a linker, headers, CMakeLists.txt, NAME_test.c and what that reads.
    """
    options = options or BuildOptions()
    place, name = Path(folder), built.name
    place.mkdir(parents=True, exist_ok=True)
    suffix, static, shared = built.machine.formats
    recorded = record(built.functions, built.lowered, options.samples, options.precision != FULL)
    files: dict[str, bytes] = {
        f"{name}{suffix}": built.objects.model,
        f"lib{name}{static}": archive(
            {f"{name}{suffix}": built.objects.model}, {f"{name}{suffix}": built.objects.names}
        ),
        **_sources(built, recorded),
    }
    if built.objects.constants:
        files[f"{name}.weights"] = built.objects.constants
    written = []
    for called, data in files.items():
        write_whole(str(place / called), data)
        written.append(place / called)
    if options.python:
        called = wheel_name(name, built.machine)
        compiler_of(built.machine)  # without one there is no library
    if shared is not None and can_link(built.machine):
        written.append(_write_shared(built, place / _library_name(name, shared)))
    if options.python:
        data = wheel(name, built.machine, written[-1], built.objects.constants)
        write_whole(str(place / called), data)
        written.append(place / called)
    return written


def _library_name(name: str, suffix: str) -> str:
    return f"{name}{suffix}" if suffix in (".dll", ".wasm") else f"lib{name}{suffix}"


def _sources(built: Built, recorded: Sequence[Recorded]) -> dict[str, bytes]:
    model, name = built.model, built.name
    texts = {called: (c_files.FILES / called).read_text() for called in _FOR_ALL}
    texts |= {
        "module.modulemap": c_files.module_map_text(name),
        f"{name}.h": c_files.header_text(model, name, len(built.objects.constants)),
        f"{name}_values.h": c_files.values_text(recorded, name),
        f"{name}_test.c": c_files.test_text(model, recorded, name, TOLERANCE),
        "CMakeLists.txt": c_files.cmake_text(model, name, built.objects.calls),
    }
    if built.machine.target.architecture == "wasm32":
        has_file = bool(built.objects.constants)
        texts |= js_files.package_files(model, recorded, name, TOLERANCE, has_file)
    return {called: text.encode() for called, text in texts.items()}


def _write_shared(built: Built, output: Path) -> Path:
    """Links the shared library under a temporary name, then moves it to its place."""
    suffix = built.machine.formats[0]
    with tempfile.TemporaryDirectory(dir=output.parent) as rooms:
        room = Path(rooms)
        parts = {"model": built.objects.model, "entry": built.objects.entry}
        paths = []
        for called, data in parts.items():
            paths.append(room / f"{called}{suffix}")
            paths[-1].write_bytes(data)
        exports = ["penstock_model", *built.objects.names]
        link_shared(built.machine, paths, room / output.name, exports)
        (room / output.name).replace(output)
    return output
