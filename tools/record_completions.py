"""Records what jedi offers on TensorFlow, for tests/editor.

    python tools/record_completions.py TENSORFLOW_PYTHON

runs jedi on the environment of that Python and writes `tests/editor/completions.json`: public names that are attributes at run
time as well, without those of modules that jedi finds as folders.
"""

import json
import pathlib
import subprocess
import sys

import jedi

PLACE = pathlib.Path(__file__).resolve().parent.parent / "tests" / "editor" / "completions.json"
ASKED = (
    "tf",
    "tf.nn",
    "tf.data.Dataset",
    "tf.math",
    "tf.strings",
    "tf.io",
    "tf.image",
    "tf.linalg",
    "tf.random",
)
# The API's modules are `tensorflow._api...`; others are folders of the implementation.
LIST = """
import json, types, tensorflow as tf
def is_public(name, held):
    return not isinstance(held, types.ModuleType) or held.__name__ != "tensorflow." + name
found = {{a: [n for n in dir(eval(a)) if is_public(n, getattr(eval(a), n, None))] for a in {asked!r}}}
print(json.dumps(found))
"""


def main() -> None:
    """Writes the file."""
    python = sys.argv[1]
    listed = subprocess.run(
        [python, "-c", LIST.format(asked=ASKED)], capture_output=True, text=True, check=True
    )
    present = json.loads(listed.stdout)
    environment = jedi.create_environment(python, safe=False)
    found = {}
    for asked in ASKED:
        script = jedi.Script(f"import tensorflow as tf\n{asked}.", environment=environment)
        names = {name.name for name in script.complete() if not name.name.startswith("_")}
        found[asked] = sorted(names & set(present[asked]))
    PLACE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
