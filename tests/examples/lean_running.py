"""Runs of examples by tests: on all cores, without the libraries of Keras that they do not name."""

import os

from tests.harness.processes import lean

from . import running


def run(name: str, *options: str) -> running.Run:
    """Runs an example in the environment of `lean`; what the compiler makes is verified if it is in the test's process."""
    folder = (running.EXAMPLES / name).parent
    texts = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    variables = lean({"PENSTOCK_VERIFY": os.environ.get("PENSTOCK_VERIFY", "0")}, texts)
    return running.run(name, *options, core=False, variables=variables)
