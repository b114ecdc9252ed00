"""The table of commands, and `main`, which runs one."""

from __future__ import annotations

import difflib
import importlib
import os
import select
import sys
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Refused
from penstock._src.version import OWN_VERSION, VERSION

# Command: its module, its usage, and its description.
COMMANDS = {
    "run": (
        "run",
        "SCRIPT ... | -m MODULE ...",
        "runs a program that imports TensorFlow, on Penstock",
    ),
    "launch": (
        "cluster.launch",
        "-n N SCRIPT ...",
        "runs a program in several processes that train together",
    ),
    "resize": (
        "cluster.resize",
        "JOB [N]",
        "changes the number of workers of an elastic job",
    ),
    "enable": (
        "environment.enable",
        "",
        "makes `tensorflow` mean Penstock in this virtual environment",
    ),
    "disable": ("environment.disable", "", "undoes `enable`"),
    "env": ("environment.env", "", "versions, processor, threads, kernel cache"),
    "doctor": ("doctor", "", "what is wrong with this machine, environment or cache"),
    "flags": ("flags", "", "every environment variable that Penstock reads"),
    "check-library": (
        "check_library",
        "NAME ...",
        "names of TensorFlow that a library uses and Penstock lacks",
    ),
    "op": (
        "op",
        "NAME",
        "what a raw op or a function such as tf.nn.softmax takes, gives and calls",
    ),
    "tune": (
        "measure.tune",
        "SCRIPT ...",
        "runs a program, then looks for faster cuts of its matrix products",
    ),
    "verify": (
        "verify",
        "SCRIPT ...",
        "runs a program on Penstock and on TensorFlow, and says where they part",
    ),
    "top": (
        "measure.top",
        "SCRIPT ...",
        "runs a program, and shows what it holds, compiles and waits for",
    ),
    "profile": (
        "measure.profile",
        "SCRIPT ...",
        "runs a program, and says which of its lines cost most, and what to change",
    ),
    "record": (
        "verify.record",
        "FOLDER SCRIPT ...",
        "runs a program, and keeps what the last runs of its compiled functions began with",
    ),
    "replay": (
        "verify.replay",
        "FOLDER [--line FILE:LINE]",
        "repeats a recorded run of a compiled function, and shows values at a line",
    ),
    "diff": (
        "verify.diff",
        "FOLDER FOLDER",
        "names the first operation whose values differ between two recorded runs",
    ),
    "build": ("models.build", "MODEL -o FOLDER", "makes a library of a model, for any machine"),
    "pack": (
        "models.pack",
        "MODEL --key FILE",
        "compiles a SavedModel for other machines: they need no compiler",
    ),
    "key": ("models.key", "FILE", "makes a key that signs packs"),
    "trust": ("models.trust", "[KEY.pub]", "lets machine code that a key has signed run"),
    "cache": (
        "models.cache",
        "export | import | verify FILE",
        "compiled kernels as a signed file, for images and other machines",
    ),
    "serve": ("serve", "MODEL", "serves models behind TensorFlow Serving's REST and gRPC APIs"),
    "generate": (
        "models.generate",
        "MODEL [PROMPT]",
        "goes on with a text, by a language model in a GGUF file or Hugging Face folder",
    ),
    "predict": (
        "models.predict",
        "URL [FILE]",
        "asks a served model: JSON, .npy or an image in, JSON out",
    ),
    "convert": ("models.convert", "IN OUT", "writes a model in another format"),
    "show": (
        "models.show",
        "MODEL ...",
        "signatures, sizes, operations and work of models of any format",
    ),
    "export": (
        "models.export_model",
        "--onnx MODEL OUT",
        "writes a model in another framework's format",
    ),
    "import": (
        "models.import_model",
        "MODEL.onnx FOLDER",
        "writes an ONNX model as a SavedModel",
    ),
    "saved-model": (
        "models.saved_model",
        "show | run | scan --dir FOLDER",
        "what a SavedModel holds",
    ),
    "audit": (
        "models.audit",
        "MODEL ...",
        "what models would do besides computing, without loading them",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = _run(words)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # A program's own errors are its own.
        if words[:1] == ["run"] or not _is_output_closed():
            raise
        # Whoever read it, `head` maybe, has seen enough. What is left goes nowhere, also when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(words: Sequence[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if words else 2
    if words[0] == "--version":
        print(f"Penstock {OWN_VERSION}, TensorFlow {VERSION}'s API")
        return 0
    name, *rest = words
    try:
        if name not in COMMANDS:
            raise Refused(_unknown(name))
        module = importlib.import_module(f"penstock._src.bridge.cli.{COMMANDS[name][0]}")
        return module.main(rest)
    except Refused as refusal:
        print(f"penstock {name}: {' '.join(str(refusal).split())}", file=sys.stderr)
        return 2


def _is_output_closed() -> bool:
    """True if the reader of the standard output has closed it."""
    if not hasattr(select, "poll"):  # as on Windows
        return True
    poll = select.poll()
    poll.register(sys.stdout, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def usage() -> str:
    """The text of `penstock --help`."""
    heads = {name: f"{name} {follows}".rstrip() for name, (_, follows, _) in COMMANDS.items()}
    width = max(map(len, heads.values()))
    lines = [f"  penstock {heads[name]:{width}}  {COMMANDS[name][2]}" for name in COMMANDS]
    return "\n".join(
        [
            "The command `penstock`.",
            "",
            *lines,
            "",
            "`penstock COMMAND --help` says more; --version.",
        ]
    )


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f" Did you mean `penstock {close[0]}`?" if close else ""
    return f"there is no such command.{hint} Commands are {', '.join(COMMANDS)}; `penstock --help` says what they do."
