"""The command `penstock saved-model`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser
from penstock._src.bridge.python.tools.saved_models.inputs import load_inputs_from_input_arg_string
from penstock._src.bridge.python.tools.saved_models.run import run_signature
from penstock._src.bridge.python.tools.saved_models.scan import scan
from penstock._src.bridge.python.tools.saved_models.show import show
from penstock._src.util.flags import CAPABILITIES


def main(arguments: Sequence[str]) -> int:
    """Runs `penstock saved-model show|run|scan`; returns its exit status."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if parsed.command == "show":
        show(parsed.dir, parsed.all, parsed.tag_set, parsed.signature_def, parsed.list_ops)
    elif parsed.command == "scan":
        scan(parsed.dir, parsed.tag_set, parsed.op_denylist)
    else:
        inputs = parsed.inputs, parsed.input_exprs, parsed.input_examples
        if not any(inputs):
            parser.error("run: expected --inputs, --input_exprs or --input_examples.")
        feed = load_inputs_from_input_arg_string(*inputs, allow_pickle=parsed.allow_pickle)
        run_signature(
            parsed.dir,
            parsed.tag_set,
            parsed.signature_def,
            feed,
            parsed.outdir,
            parsed.overwrite,
            allow=parsed.allow,
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser("penstock saved-model", "What a SavedModel holds.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="show | run | scan")
    shown = commands.add_parser("show", help="prints tag-sets, signatures, operations, functions")
    ran = commands.add_parser("run", help="runs a signature")
    scanned = commands.add_parser("scan", help="looks for denied operations")
    for command in (shown, ran, scanned):
        command.add_argument("--dir", required=True, help="the folder of the SavedModel")
        command.add_argument("--tag_set", required=command is ran, help="tag,tag of a MetaGraphDef")
    shown.add_argument("--all", action="store_true", help="prints all that is known")
    shown.add_argument("--signature_def", help="prints the inputs and outputs of this signature")
    shown.add_argument("--list_ops", action="store_true", help="prints the operations")
    ran.add_argument("--signature_def", required=True, help="the signature to run")
    ran.add_argument("--inputs", default="", help="key=file;key=file[name] (.npy, .npz, pickle)")
    ran.add_argument("--input_exprs", default="", help="key=literal;...")
    ran.add_argument("--input_examples", default="", help="key=[{feature: [value, ...]}, ...];...")
    ran.add_argument("--allow_pickle", action="store_true", help="accepts pickled files")
    ran.add_argument("--allow", nargs="*", default=[], choices=[*CAPABILITIES, "all"])
    ran.add_argument("--outdir", help="where results are written as .npy files")
    ran.add_argument("--overwrite", action="store_true", help="overwrites files in outdir")
    scanned.add_argument("--op_denylist", help="Op,Op; by default WriteFile,ReadFile,PrintV2")
    return parser
