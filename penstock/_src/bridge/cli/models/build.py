"""`penstock build`: a model as a library for any machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.bridge.cli.arguments import Parser, Refused, refused
from penstock._src.util.process.installing import pip_install

DESCRIPTION = """Compiles a model ahead of time: an object, static and shared libraries, a C header, a CMake file and a test program. What is built
needs neither Penstock nor Python, allocates nothing and starts no threads. Shared libraries are linked by the ziglang wheel ({install}) for any machine, or by this system's compiler for this one. docs/build.md says more."""
MOST_BATCHES = 64


def main(arguments: Sequence[str]) -> int:
    """Builds a model."""
    parsed = _parser().parse_args(list(arguments))
    import numpy as np

    # Each command loads what it needs.
    from penstock._src.aot.build import BuildOptions, build, write
    from penstock._src.core.errors import OpError
    from penstock._src.formats.table import read

    try:
        model = read(parsed.model)
        signatures = model.signatures
        for name in parsed.signature:
            if name not in signatures:
                raise Refused(
                    f"{parsed.model} has no signature '{name}', but {', '.join(signatures)}"
                )
        chosen = {name: signatures[name] for name in parsed.signature or signatures}
        samples = dict(np.load(parsed.sample)) if parsed.sample else {}
        options = BuildOptions(
            target=parsed.target, cpu=parsed.cpu, features=parsed.features, batches=batches_of(parsed.batch),
            shapes=dict(map(shape_of, parsed.shape)), samples=samples, small=parsed.small, weights=parsed.weights_file,
            python=parsed.python,
            threads=parsed.threads,
            precision=parsed.precision,
        )  # fmt: skip
        built = build(chosen, parsed.name, options)
        files = write(built, parsed.out, options)
    except (OSError, OpError, ValueError) as error:
        raise refused(error) from error
    for path in files:
        print(f"{path.stat().st_size:>12,}  {path}")
    print(
        f"{built.machine.name}: {built.code_bytes:,} bytes of code, {built.model.data.size:,} of weights, an arena of "
        f"{built.model.arena_bytes:,}."
    )
    if built.objects.calls:
        print(
            f"The object calls {', '.join(built.objects.calls)}, of the C library or the compiler."
        )
    return 0


def _parser() -> Any:
    parser = Parser("penstock build", DESCRIPTION.format(install=pip_install("aot")))
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a SavedModel, a Keras file, or another format that Penstock reads",
    )
    parser.add_argument("-o", "--out", default="out", help="folder for what is built (out)")
    parser.add_argument(
        "--name", default="model", help="prefix of all symbols, an identifier of C (model)"
    )
    parser.add_argument(
        "--target",
        default="native",
        help="such as aarch64-linux, wasm32, thumbv7em-none (this machine)",
    )
    parser.add_argument(
        "--cpu", default="", help="x86-64-v2 to -v4, cortex-m7, ... (the least that is common)"
    )
    parser.add_argument("--features", default="", help="LLVM's, as +dotprod,+i8mm")
    parser.add_argument("--signature", action="append", default=[], help="one to build (all)")
    parser.add_argument(
        "--batch", default="", help="batch sizes of open first axes, as 1,2,8..16 (1)"
    )
    parser.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="INPUT=1,224,...",
        help="the shape of an input that leaves extents open",
    )
    parser.add_argument(
        "--sample", help="an .npz file of inputs for the test program (random numbers)"
    )
    parser.add_argument(
        "--small", action="store_true", help="rather few bytes of weights than speed"
    )
    parser.add_argument(
        "--weights-file",
        action="store_true",
        help="weights in a file to be mapped, not in the library",
    )
    parser.add_argument(
        "--python", action="store_true", help="also a wheel, which imports with NumPy alone"
    )
    parser.add_argument("--threads", type=int, default=1, help="that share the work of a call (1)")
    parser.add_argument(
        "--precision",
        default="float32",
        help="of stored weights: float16, bfloat16 or int8 (float32)",
    )
    return parser


def batches_of(text: str) -> tuple[int, ...]:
    """The sizes in a text such as 1,2,8..16."""
    batches: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("..")
        try:
            batches.update(range(int(first), int(last or first) + 1))
        except ValueError:
            raise Refused(f"--batch: expected numbers, as 1,2,8..16. Received '{text}'") from None
    if batches and (min(batches) < 1 or len(batches) > MOST_BATCHES):
        raise Refused(
            f"--batch: expected at most {MOST_BATCHES} sizes of at least 1. Received '{text}'"
        )
    return tuple(sorted(batches))


def shape_of(text: str) -> tuple[str, tuple[int, ...]]:
    """An input's name and shape, of INPUT=1,224,224,3."""
    name, _, extents = text.rpartition("=")
    try:
        shape = tuple([int(extent) for extent in extents.split(",") if extent])
    except ValueError:
        shape = (-1,)
    if not name or any(extent < 0 for extent in shape):
        raise Refused(f"--shape: expected INPUT=1,224,... Received '{text}'")
    return name, shape
