"""`penstock pack`: the machine code of SavedModels, beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.bridge.cli.arguments import Parser, Refused, refused
from penstock._src.bridge.cli.models.build import batches_of, shape_of

DESCRIPTION = """Compiles the programs of a SavedModel for other machines, and writes the machine code, signed, to assets.extra/penstock.pack beside the
weights. A machine whose user trusts the key (penstock trust) then compiles nothing, and needs no compiler. The model runs while it is packed: each
signature with each size of batches, and as `penstock serve` warms it up. docs/packs.md says more."""


def main(arguments: Sequence[str]) -> int:
    """Packs models."""
    parsed = _parser().parse_args(list(arguments))
    # Each command loads what it needs.
    from penstock._src.aot.packing import pack_saved_model
    from penstock._src.core.errors import OpError
    from penstock._src.serving.inference.trial import run_as_served

    samples = _samples(parsed.sample)
    for model in parsed.model:
        try:
            report = pack_saved_model(
                model,
                parsed.key,
                targets=parsed.target.split(","),
                threads=_numbers(parsed.threads),
                batches=batches_of(parsed.batch),
                shapes=dict(map(shape_of, parsed.shape)),
                samples=samples,
                exercise=lambda model=model: run_as_served(model),  # type: ignore[misc]
            )
        except (OSError, OpError, ValueError) as error:
            raise refused(error) from error
        print(
            f"{model}: {report.kernels:,} kernels of {report.programs:,} programs in {report.objects:,} objects, "
            f"{report.code_bytes:,} bytes of code."
        )
        if report.left_out:
            print(f"{report.left_out:,} kernels cannot travel: another machine compiles them.")
    return 0


def _parser() -> Any:
    # Each command loads what it needs.
    from penstock._src.aot.packing.recorder import THREADS
    from penstock._src.aot.packing.writing import BATCHES
    from penstock._src.native.target import LEVELS

    parser = Parser("penstock pack", DESCRIPTION)
    parser.add_argument("model", metavar="MODEL", nargs="+", help="a SavedModel's folder")
    parser.add_argument(
        "--key", required=True, help="file of the secret key to sign with (penstock key FILE)"
    )
    parser.add_argument(
        "--target", default=",".join(LEVELS), help=f"processors ({','.join(LEVELS)})"
    )
    parser.add_argument(
        "--threads",
        default=",".join(map(str, THREADS)),
        help=f"numbers of threads to lay kernels out for ({','.join(map(str, THREADS))})",
    )
    parser.add_argument(
        "--batch",
        default=",".join(map(str, BATCHES)),
        help=f"sizes of batches to run ({','.join(map(str, BATCHES))})",
    )
    parser.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="INPUT=224,224,3",
        help="of an input that leaves more open than the first extent, without that",
    )
    parser.add_argument("--sample", default="", help=".npz file of inputs to run, by name")
    return parser


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part]
    except ValueError:
        raise Refused(f"--threads: expected numbers, as 1,2,8. Received '{text}'") from None


def _samples(path: str) -> dict[str, Any]:
    import numpy as np

    try:
        return dict(np.load(path)) if path else {}
    except (OSError, ValueError) as error:
        raise Refused(f"--sample: {refused(error)}") from error
