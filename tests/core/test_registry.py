"""The index of op classes."""

import collections

from penstock._src.core import registry


def test_no_name_of_an_op_is_defined_twice():
    # The last one found would win, and files are found in no certain order.
    names = [
        name.decode()
        for path in registry.FOLDER.glob("*/**/*.py")
        for name in set(registry.CLASS.findall(path.read_bytes()))
    ]
    assert [name for name, count in collections.Counter(names).items() if count > 1] == []
