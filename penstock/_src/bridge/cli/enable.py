"""`penstock enable`: `tensorflow` means Penstock in a virtual environment."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser, Refused
from penstock._src.bridge.cli.doctor.requirements import missing, refusing
from penstock._src.bridge.environments import site_packages
from penstock._src.version import VERSION


def main(arguments: Sequence[str]) -> int:
    """Makes every program of this virtual environment find Penstock as TensorFlow, and pip count it as TensorFlow."""
    Parser("penstock enable", main.__doc__).parse_args(arguments)
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
    if site_packages.is_brought_by_wheel():
        print(f"{site_packages.WHEEL} is installed: `import tensorflow` means Penstock already.")
        return 0
    site_packages.write_stand_in()
    print(
        f"`import tensorflow` means Penstock in {sys.prefix}, and pip counts it as TensorFlow {VERSION}. "
        "Undo with `penstock disable`."
    )
    if importlib.util.find_spec("keras") is None:
        print("tf.keras needs Keras: pip install 'penstock[keras]'")
    lacking = missing("penstock", "tensorflow")
    if lacking:
        print(
            f"TensorFlow would bring {', '.join(lacking)}, which libraries may import without naming them: "
            "pip install 'penstock[tensorflow]'"
        )
    for library, wanted in refusing("tensorflow", VERSION):
        print(
            f"{library} requires {wanted}: pip will replace Penstock by TensorFlow when it installs that library again."
        )
    return 0
