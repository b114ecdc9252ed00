"""`penstock import`: a model of another framework as a SavedModel."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, refused

DESCRIPTION = """Reads an ONNX model and writes it as a SavedModel, which `tf.saved_model.load` loads (docs/onnx.md).

Its weights are variables, so that it can be trained on; with --frozen they are constants."""


def main(arguments: Sequence[str]) -> int:
    """Imports one model."""
    parser = Parser("penstock import", DESCRIPTION)
    parser.add_argument("model", metavar="MODEL", help="the .onnx file")
    parser.add_argument("folder", metavar="FOLDER", help="of the SavedModel to write")
    parser.add_argument("--frozen", action="store_true", help="keep the weights constant")
    parsed = parser.parse_args(arguments)
    # Each command loads what it needs.
    from penstock._src.core.errors import OpError
    from penstock._src.formats.table import FORMATS

    try:
        model = FORMATS["onnx"].read(parsed.model, trainable=not parsed.frozen)
        FORMATS["saved-model"].write(model, parsed.folder)
    except (OSError, OpError) as error:
        raise refused(error) from error
    print(f"{parsed.folder}: {model.details['nodes']} nodes, opset {model.details['opset']}")
    return 0
