"""`penstock enable`: `tensorflow` means Penstock in a virtual environment."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import sys
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, Refused
from penstock._src.bridge.cli.doctor.requirements import missing, refusing
from penstock._src.bridge.environments import site_packages, stand_in
from penstock._src.util.process.installing import NAME, installed_name, pip_install
from penstock._src.version import VERSION

# The first version of TensorFlow whose tf.keras is Keras 3.
OLDEST = (2, 16)
_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def main(arguments: Sequence[str]) -> int:
    """Makes every program of this virtual environment find Penstock as TensorFlow, and pip count it as TensorFlow."""
    parsed = _parser().parse_args(arguments)
    version = _version(parsed.version)
    _require_own_environment()
    if site_packages.is_brought_by_wheel():
        print(f"{site_packages.WHEEL} is installed: `import tensorflow` means Penstock already.")
        return 0
    site_packages.write_stand_in(version)
    print(
        f"`import tensorflow` means Penstock in {sys.prefix}, and pip counts it as TensorFlow {version}. "
        "Undo with `penstock disable`."
    )
    if parsed.constraints:
        pathlib.Path(parsed.constraints).write_text(stand_in.constraints(version), "utf-8")
        print(
            f"{parsed.constraints} keeps pip from installing TensorFlow itself: pip install --constraint {parsed.constraints} ..., "
            "or set PIP_CONSTRAINT to it."
        )
    _print_missing(version)
    return 0


def _parser() -> Parser:
    parser = Parser("penstock enable", main.__doc__)
    parser.add_argument(
        "--as",
        dest="version",
        default=VERSION,
        metavar="VERSION",
        help=f"of TensorFlow that pip counts Penstock as, for libraries that refuse {VERSION}; tf.__version__ stays",
    )
    parser.add_argument(
        "--constraints",
        metavar="FILE",
        help="to write for `pip install --constraint FILE`: pip then refuses a library instead of installing TensorFlow for it",
    )
    return parser


def _require_own_environment() -> None:
    """Refuses a Python outside of virtual environments, and one that has TensorFlow's own packages."""
    if sys.prefix == sys.base_prefix:
        raise Refused(
            f"this Python ({sys.executable}) is not of a virtual environment, and other programs "
            "use it. Make one with `python -m venv`, or use `penstock run`."
        )
    real = site_packages.real_tensorflow()
    if real:
        raise Refused(
            f"TensorFlow itself is installed here ({real}). Uninstall it first, or use `penstock run`."
        )
    text = site_packages.real_text()
    if text:
        raise Refused(
            f"{text} is installed here, whose C++ code only TensorFlow itself can load. Uninstall it first: Penstock has `tensorflow_text`, too."
        )


def _print_missing(version: str) -> None:
    """Prints which packages TensorFlow would bring, and which libraries require another version of it."""
    if importlib.util.find_spec("keras") is None:
        print(f"tf.keras needs Keras: {pip_install('keras')}")
    lacking = missing(installed_name() or NAME, "tensorflow")
    if lacking:
        print(
            f"TensorFlow would bring {', '.join(lacking)}, which libraries may import without naming them: "
            f"{pip_install('tensorflow')}"
        )
    for library, wanted in refusing("tensorflow", version):
        print(
            f"{library} requires {wanted}: pip will replace Penstock by TensorFlow when it installs that library again. "
            "`penstock enable --as VERSION` chooses a version that it takes."
        )


def _version(text: str) -> str:
    matched = _NUMBERS.fullmatch(text)
    if matched is None:
        raise Refused(f"--as takes a version such as 2.19 or 2.19.1. Received: {text}")
    numbers = [int(n) for n in matched.groups(default="0")]
    latest = [int(n) for n in VERSION.split(".")]
    if not [*OLDEST] <= numbers[:2] <= latest[:2]:
        raise Refused(
            f"--as {text}: Penstock provides the interface of TensorFlow {VERSION}, and stands for versions from "
            f"{OLDEST[0]}.{OLDEST[1]}, the first with Keras 3, to that."
        )
    return ".".join(map(str, numbers))
