"""A primitive stands in one class: other files name it by that."""

import re

from tests.layout.sources import SourceFile, Tree, fact

SRC = "penstock/_src"
ROOMS = ("ir", "compiler", "devices")
NAME = "fft"  # of a primitive that no rule treats: what is known of it is in its class and its kernels


@fact(SRC)
def is_named(file: SourceFile) -> bool:
    return re.search(rf"\b{NAME}\b", file.text) is not None


def files_that_name(tree: Tree) -> list[str]:
    rooms = [f"{SRC}/{room}" for room in ROOMS]
    return [
        f"{room.removeprefix(SRC)[1:]}/{path}"
        for room in rooms
        for path, named in tree.facts(is_named, room).items()
        if named
    ]


def test_one_file_names_a_primitive(tree):
    assert files_that_name(tree) == ["ir/primitives/lines.py"]


def test_files_that_name_a_primitive_are_reported(plant):
    files = plant(
        {
            f"{SRC}/ir/a.py": 'kind = "fft"\n',
            f"{SRC}/compiler/b.py": "kind = lines.Fft.kind\n",
            f"{SRC}/devices/c.py": "# the kind fft\n",
        }
    )
    assert files_that_name(files) == ["ir/a.py", "devices/c.py"]
