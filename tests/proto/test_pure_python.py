"""Messages where protobuf has no native code, as in a Python without GIL."""

import subprocess
import sys

from tests.harness.processes import lean

PROGRAM = """
import importlib, pkgutil
from google.protobuf.internal import api_implementation
import penstock._src.proto as proto
from penstock._src.proto.schema import Schema

assert api_implementation.Type() == "python"
for module in pkgutil.iter_modules(proto.__path__):
    found = vars(importlib.import_module(f"{proto.__name__}.{module.name}"))
    for schema in [value for value in found.values() if isinstance(value, Schema)]:
        for name in schema.descriptor.message_types_by_name:
            message = schema[name]()
            assert schema[name].FromString(message.SerializeToString()) == message
"""


def test_every_message_is_written_and_read():
    environment = lean({"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}, PROGRAM)
    command = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
