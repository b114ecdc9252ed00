"""Runs the programs of a page in a process and a folder of their own."""

import os
import subprocess
import sys
import tempfile

from tests.harness.processes import lean

from .blocks import ROOT, text_of

SECONDS = 300


def run(page: str) -> str:
    """Returns what is wrong with a page; nothing if its programs do what it says."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = {"PYTHONPATH": path, "MPLBACKEND": "agg", "KERAS_BACKEND": "tensorflow"}
    environment = lean(variables, text_of(page))
    # The pages show what users see: without the checks that the tests switch on.
    environment = {k: v for k, v in environment.items() if not k.startswith("PENSTOCK_V")}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.docs.child", page]
        ran = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS
        )
    return ran.stderr + ran.stdout if ran.returncode else ""
