"""Files that have tests of each op: the ids of their cases begin with its name."""

import re

OF_OPS = ("tests/conformance", "tests/fuzz/test_not_finite.py", "tests/parity/test_op_defs.py")


def is_of_another_op(name: str, ops: set[str]) -> bool:
    """Whether a test is one of these files', of none of the ops."""
    file, _, case = name.partition("[")
    op = re.match(r"[A-Z]\w*", case)
    return file.startswith(OF_OPS) and op is not None and op[0] not in ops
