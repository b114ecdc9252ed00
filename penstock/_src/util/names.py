"""Names of graph nodes: validity and uniqueness."""

import re

SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")
LEGAL_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")


class NameTable:
    """Makes names unique: `add`, `add_1`, `add_2`. Names that differ only in case collide, as in TensorFlow."""

    def __init__(self) -> None:
        self.used: dict[str, int] = {}

    def unique(self, name: str, mark_as_used: bool = True) -> str:
        """Returns `name`, or `name_<n>` with the first free n."""
        key = name.lower()
        count = self.used.get(key, 0)
        if mark_as_used:
            self.used[key] = count + 1
        if count == 0:
            return name
        candidate = key
        while candidate in self.used:
            candidate = f"{key}_{count}"
            count += 1
        if mark_as_used:
            self.used[candidate] = 1
            self.used[key] = count
        return f"{name}_{count - 1}"


def label_of_function(name: str) -> str:
    """Returns the Python name in the name of a graph function: `step` of `__inference_step_12`.

    A name of another form is its own label.
    """
    match = re.fullmatch(r"__(?:inference|forward|backward)_(.+)_\d+", name)
    return match[1] if match else name
