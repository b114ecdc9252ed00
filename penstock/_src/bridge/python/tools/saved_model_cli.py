"""`tensorflow.python.tools.saved_model_cli`: the command of TensorFlow that shows, runs and scans SavedModels."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from absl import app, flags
from absl.flags import argparse_flags

from penstock._src.bridge.internals.saved_model import get_meta_graph_def as get_meta_graph_def
from penstock._src.bridge.python.tools.saved_models import run as running
from penstock._src.bridge.python.tools.saved_models import scan as scanning
from penstock._src.bridge.python.tools.saved_models import show as showing
from penstock._src.bridge.python.tools.saved_models.inputs import (
    load_inputs_from_input_arg_string,
)
from penstock._src.bridge.python.tools.saved_models.inputs import (
    preprocess_input_examples_arg_string as preprocess_input_examples_arg_string,
)
from penstock._src.bridge.python.tools.saved_models.inputs import (
    preprocess_input_exprs_arg_string as preprocess_input_exprs_arg_string,
)
from penstock._src.bridge.python.tools.saved_models.inputs import (
    preprocess_inputs_arg_string as preprocess_inputs_arg_string,
)
from penstock._src.core.errors import UnimplementedError

_OP_DENYLIST = scanning.DENIED
_print_tensor_info = showing.print_tensor_info
_show_all = showing.show_all
scan_meta_graph_def = scanning.scan_meta_graph_def

_DIR = flags.DEFINE_string("dir", None, "The folder of the SavedModel.")
_ALL = flags.DEFINE_bool("all", False, "show: prints all that is known.")
_TAG_SET = flags.DEFINE_string("tag_set", None, "The tags of a MetaGraphDef, separated by commas.")
_SIGNATURE_DEF = flags.DEFINE_string("signature_def", None, "The key of a signature.")
_LIST_OPS = flags.DEFINE_bool("list_ops", False, "show: prints the operations of a tag-set.")
_INPUTS = flags.DEFINE_string("inputs", "", "run: key=file;key=file[name] (.npy, .npz, pickle).")
_INPUT_EXPRS = flags.DEFINE_string("input_exprs", "", "run: key=literal;...")
_INPUT_EXAMPLES = flags.DEFINE_string(
    "input_examples", "", "run: tf.train.Examples, as key=[{feature: [value, ...]}, ...];..."
)
_ALLOW_PICKLE = flags.DEFINE_bool(
    "allow_pickle", False, "run: accepts pickled files, which can run any code when they are read."
)
_OUTDIR = flags.DEFINE_string("outdir", None, "run: where results are written as .npy files.")
_OVERWRITE = flags.DEFINE_bool("overwrite", False, "run: overwrites files in outdir.")
_TF_DEBUG = flags.DEFINE_bool("tf_debug", False, "run: not implemented.")
_WORKER = flags.DEFINE_string("worker", None, "run: the target of the session.")
_INIT_TPU = flags.DEFINE_bool("init_tpu", False, "run: not implemented.")
_USE_TFRT = flags.DEFINE_bool("use_tfrt", False, "run: accepted; there is one runtime.")
_OP_DENYLIST_FLAG = flags.DEFINE_string(
    "op_denylist",
    None,
    "scan: operations, separated by commas. Default: the names in _OP_DENYLIST.",
)
# They are parsed, so that the commands report that they are not implemented.
for _flag in (
    "output_dir max_workspace_size_bytes precision_mode minimum_segment_size output_prefix signature_def_key "
    "checkpoint_path variables_to_feed target_triple target_cpu cpp_class multithreading"
).split():
    flags.DEFINE_string(_flag, None, "convert, freeze_model, aot_compile_cpu: not implemented.")
flags.DEFINE_bool("convert_tf1_model", False, "convert: not implemented.")

command_required_flags = {
    "show": ["dir"],
    "run": ["dir", "tag_set", "signature_def"],
    "scan": ["dir"],
}


def show() -> None:
    """Prints what the SavedModel of the flags holds."""
    showing.show(_given(_DIR), _ALL.value, _TAG_SET.value, _SIGNATURE_DEF.value, _LIST_OPS.value)


def run() -> None:
    """Runs the signature of the flags.

    Raises:
      AttributeError: no inputs are given.
      UnimplementedError: a flag asks for the debugger or a TPU.
    """
    inputs = _INPUTS.value, _INPUT_EXPRS.value, _INPUT_EXAMPLES.value
    if not any(inputs):
        raise AttributeError(
            "At least one of --inputs, --input_exprs or --input_examples must be required"
        )
    for flag in (_TF_DEBUG, _INIT_TPU):
        if flag.value:
            raise UnimplementedError(f"saved_model_cli run: --{flag.name} is not implemented.")
    running.run_signature(
        _given(_DIR),
        _given(_TAG_SET),
        _given(_SIGNATURE_DEF),
        load_inputs_from_input_arg_string(*inputs, allow_pickle=_ALLOW_PICKLE.value),
        _OUTDIR.value,
        _OVERWRITE.value,
        _WORKER.value,
    )


def scan() -> None:
    """Looks for denied operations in the SavedModel of the flags."""
    scanning.scan(_given(_DIR), _TAG_SET.value, _OP_DENYLIST_FLAG.value)


def convert_with_tensorrt() -> NoReturn:
    """Raises UnimplementedError: TensorRT is not supported."""
    raise UnimplementedError("saved_model_cli convert: TensorRT is not implemented.")


def freeze_model() -> NoReturn:
    """Raises UnimplementedError: nothing is prepared for tfcompile."""
    raise UnimplementedError("saved_model_cli freeze_model is not implemented.")


def aot_compile_cpu() -> NoReturn:
    """Raises UnimplementedError: nothing is compiled ahead of time."""
    raise UnimplementedError("saved_model_cli aot_compile_cpu is not implemented.")


_COMMANDS: dict[str, tuple[Callable[[], None], str]] = {
    "show": (show, "Prints tag-sets, signatures, operations and functions of a SavedModel."),
    "run": (run, "Runs a signature of a SavedModel."),
    "scan": (scan, "Looks for denied operations in a SavedModel."),
    "convert": (convert_with_tensorrt, "Not implemented."),
    "aot_compile_cpu": (aot_compile_cpu, "Not implemented."),
    "freeze_model": (freeze_model, "Not implemented."),
}


def create_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line; `func` of what it returns is the command's function."""
    parser = argparse_flags.ArgumentParser(
        description="saved_model_cli: Command-line interface for SavedModel",
        conflict_handler="resolve",
    )
    parser.add_argument("-v", "--version", action="version", version="0.1.0")
    commands = parser.add_subparsers(title="commands")
    for name, (function, description) in _COMMANDS.items():
        command = commands.add_parser(name, description=description)
        command.set_defaults(func=function)
        if name == "convert":
            command.add_argument("method", choices=["tensorrt"])
    return parser


def main() -> None:
    """Runs the command that the command line names."""
    app.run(_main)


def _given(flag: flags.FlagHolder[str | None]) -> str:
    """The value of a flag that a command needs."""
    if flag.value is None:
        raise ValueError(f"saved_model_cli: --{flag.name} must be given.")
    return flag.value


def _main(arguments: list[str]) -> Any:
    parser = create_parser()
    if len(arguments) < 2:
        parser.error("Too few arguments.")
    flags.mark_flags_as_required(command_required_flags.get(arguments[1], []))
    return parser.parse_args(sys.argv[1:]).func()


if __name__ == "__main__":
    main()
