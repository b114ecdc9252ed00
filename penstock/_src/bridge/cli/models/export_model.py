"""`penstock export`: a model as a file of another framework."""

from __future__ import annotations

import os
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, Refused

DESCRIPTION = """Writes a model in another framework's format (docs/onnx.md).

MODEL is a SavedModel, a Keras file or a file of any format that Penstock reads. ONNX models are of opset 21."""


def main(arguments: Sequence[str]) -> int:
    """Exports one model."""
    parser = Parser("penstock export", DESCRIPTION)
    formats = parser.add_mutually_exclusive_group(required=True)
    formats.add_argument("--onnx", action="store_const", const="onnx", dest="format", help="ONNX")
    parser.add_argument("model", help="the file or folder to read")
    parser.add_argument("out", help="the file to write")
    parser.add_argument("--signature", default="", help="of the model; by default its default")
    parsed = parser.parse_args(arguments)
    # Each command loads what it needs.
    from penstock._src.core.errors import OpError
    from penstock._src.formats.table import FORMATS, read

    try:
        model = read(parsed.model)
        if parsed.signature:
            model = model.with_only(parsed.signature)
        FORMATS[parsed.format].write(model, parsed.out)
    except (OSError, OpError) as error:
        raise Refused(str(error)) from error
    print(f"{parsed.out}: {os.path.getsize(parsed.out):,} bytes")
    return 0
