"""`penstock predict`: asks a model that is served."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from penstock._src.bridge.cli.arguments import Parser, Refused, refused

DESCRIPTION = """Asks a model that a server has, Penstock's or TensorFlow Serving (docs/serving.md).

URL is that of a model, http://localhost:8501/v1/models/NAME or grpc://localhost:8500/models/NAME, each with /versions/N or /labels/L if need be.
FILE holds the inputs: JSON, as [1.0, 2.0], {"x": [1.0, 2.0]} or a request of TensorFlow Serving; a .npy file; a .npz file with an array for each
input; or an image, which is resized to what the model takes, or sent as it is to a model that takes strings. An array or image without the axis of
the batch is a batch of one. The outputs are written as JSON."""
_KINDS = {".json": "json", ".npy": "npy", ".npz": "npz"}


def main(arguments: Sequence[str]) -> int:
    """Asks once."""
    parsed = _parser().parse_args(arguments)
    # Each command loads what it needs.
    from penstock._src.core.errors import OpError

    try:
        kind = _kind(parsed.output)
        contents = _answer(parsed, _input(parsed.file), kind)
        _write(parsed.output, contents)
    except (OSError, OpError, ImportError) as error:
        raise refused(error) from error
    return 0


def _parser() -> Parser:
    parser = Parser("penstock predict", DESCRIPTION)
    parser.add_argument("url", metavar="URL", help="of the model")
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default="-", help="the inputs; - for standard input"
    )
    parser.add_argument("--signature", default="", help="of the model; by default its default")
    parser.add_argument("--input", default="", help="name of the input that FILE is for")
    parser.add_argument("--output", default="", help="file for the outputs: .json, .npy or .npz")
    parser.add_argument(
        "--scale",
        type=_factor,
        default=1.0,
        help="that pixels, from 0 to 255, are multiplied by for inputs of floats, as 1/255",
    )
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds (default 30)")
    parser.add_argument(
        "--header", action="append", default=[], help="'NAME: VALUE', sent with the request"
    )
    parser.add_argument("--root-certificates", default="", help="PEM file, for https and grpcs")
    return parser


def _factor(text: str) -> float:
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(f"expected a number, as 1/255. Received {text}") from error


def _kind(output: str) -> str:
    ending = os.path.splitext(output)[1]
    if output and ending not in _KINDS:
        raise Refused(f"--output: expected a file that ends with {', '.join(_KINDS)}.")
    return _KINDS.get(ending, "json")


def _headers(lines: Sequence[str]) -> dict[str, str]:
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise Refused(f"--header: expected 'NAME: VALUE'. Received {line!r}.")
        headers[name.strip()] = value.strip()
    return headers


def _input(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


def _answer(parsed: argparse.Namespace, data: bytes, kind: str) -> bytes:
    # Each command loads what it needs.
    from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
    from penstock._src.serving.client import contents
    from penstock._src.serving.client.client import Client, Security

    security = Security(parsed.root_certificates)
    more: dict[str, Any] = {"headers": _headers(parsed.header), "security": security}
    with Client(parsed.url, timeout=parsed.timeout, **more) as client:
        name = parsed.signature or DEFAULT_SERVING_SIGNATURE_DEF_KEY
        signatures = client.signatures()
        if name not in signatures:
            raise Refused(f"there is no signature '{name}'. The model has {sorted(signatures)}.")
        inputs = contents.read(data, signatures[name], parsed.input, parsed.scale)
        return contents.write(client.predict(inputs, signature=name), kind)


def _write(path: str, contents: bytes) -> None:
    """Writes to standard output, or a file, which appears whole or not at all."""
    if not path:
        sys.stdout.buffer.write(contents)
        sys.stdout.buffer.flush()
        return
    # Each command loads what it needs.
    from penstock._src.filesystems.transaction import Transaction

    with Transaction(path) as transaction, transaction.open(path) as file:
        file.write(contents)
