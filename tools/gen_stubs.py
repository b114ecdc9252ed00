"""Writes the type stubs (`.pyi`) of the public tree, for editors and type checkers.

    python tools/gen_stubs.py               writes changed files, and the list of the public API
    python tools/gen_stubs.py --check       fails if the list is stale; writes nothing
    python tools/gen_stubs.py --if-changed  does nothing if the sources are those of the last run
    python tools/gen_stubs.py --package     writes what a wheel has: no list, nothing for this repository's editors

Stubs are not in git: builds of packages (tools/build_hook.py), `make test` and the tests that read them make them. What is in git is
the list of public names with their signatures, tests/layout/public_api.txt, by which a review sees how the API changes.

What a stub says comes from the objects behind the export table: signatures, annotations, the first lines of docstrings. Types
that the sources do not state are in `tools/stub_writer/knowledge/`.

The stubs of tf.keras are made of the installed Keras, whose sources have no annotations: checkers would infer types from default
values, and call `strides=2` and `verbose=0` mistakes.
"""

import argparse
import gc
import hashlib
import importlib
import importlib.metadata
import pathlib
import sys
import types
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "penstock"
TYPINGS = ROOT / "typings"
# The golden list of public names.
LISTING = ROOT / "tests" / "layout" / "public_api.txt"
# The hash of the sources of the stubs that are there.
DIGEST = ROOT / "build" / "stubs.sha256"
sys.path.insert(0, str(ROOT))

import gen_api  # noqa: E402
from stub_writer import knowledge, listing  # noqa: E402
from stub_writer.modules import HEADER, ModuleWriter  # noqa: E402
from stub_writer.raw_ops import op_text  # noqa: E402
from stub_writer.spelling import Speller  # noqa: E402
from stub_writer.tree import Tree, resolve  # noqa: E402

from penstock._src.bridge.environments import editor_stubs  # noqa: E402
from penstock._src.bridge.names import identities  # noqa: E402

# The sources of classes are read, and are found by our own names.
identities.install = lambda: None

# Parts of compat.v1 that Keras 2 provides.
OF_KERAS_2 = {"layers": "compat.v1", "rnn_cell": "compat.v1.nn"}
ANYTHING = "from typing import Any\n\ndef __getattr__(name: str) -> Any: ...\n"
AT_ROOT = (
    "def install_as_tensorflow() -> None:\n"
    '    """Makes `import tensorflow` mean Penstock, in this process."""\n'
    "__version__: str\n"
)


def public_tree() -> Tree:
    """All public objects of TensorFlow 2, then those of compat.v1."""
    export = importlib.import_module("penstock._src.util.export")
    tree = Tree()
    tree.add({path: resolve(e.module, e.attribute) for path, e in sorted(export.V2.items())})
    first = {
        f"compat.v1.{path}": resolve(e.module, e.attribute) for path, e in sorted(export.V1.items())
    }
    tree.add(first)
    tree.add(keras_names())
    return tree


def keras_names() -> dict[str, Any]:
    """{path: object} of the public names of tf.keras."""
    found: dict[str, Any] = {}
    seen: set[str] = set()

    def walk(module: types.ModuleType, path: str) -> None:
        seen.add(module.__name__)
        for name, held in vars(module).items():
            if name.startswith("_"):
                continue
            if not isinstance(held, types.ModuleType):
                found[f"{path}.{name}"] = held
            elif held.__name__.startswith("keras.") and held.__name__ not in seen:
                if ".src" not in held.__name__:
                    walk(held, f"{path}.{name}")

    walk(importlib.import_module("penstock._src.bridge.keras").load(), "keras")
    return found


def keras_version() -> str:
    """The version of the installed Keras, whose names the stubs have."""
    return importlib.metadata.version("keras")


def raw_ops(tree: Tree) -> str:
    """The stub of tf.raw_ops."""
    registry = importlib.import_module("penstock._src.core.registry")
    loaded = registry.load_all()
    ops = {name: loaded[name] for name in registry.raw_names() if name in loaded}
    speller = Speller(tree, "raw_ops", frozenset(ops))
    bodies = [
        op_text(name, op, registry.raw_signature(op), speller) for name, op in sorted(ops.items())
    ]
    title = HEADER.format(title="tf.raw_ops: every operation as a function of keyword arguments.")
    return title + "\n".join([*speller.import_lines(), *bodies])


def files() -> dict[pathlib.Path, str]:
    """Returns {path: text} of all stubs."""
    tree = public_tree()
    texts = {"raw_ops": raw_ops(tree)}
    of_keras = {n: ".keras" for n in gen_api.OF_KERAS}
    more = {
        "": dict.fromkeys(gen_api.ROOT_SUBMODULES, ".") | of_keras,
        "compat": dict.fromkeys(("v1", "v2"), "."),
        "compat.v1": {"keras": "penstock", "raw_ops": "penstock", "layers": "."},
        "compat.v1.nn": {"rnn_cell": "."},
    }
    for module in sorted({*tree.modules, "compat"}):
        tree.modules.setdefault(module, {})
        title = f"tf.{module}: its public names." if module else "The public API; see the README."
        if module.partition(".")[0] == "keras":
            title = f"tf.{module}: the public names of Keras {keras_version()}."
        extra = {"": AT_ROOT, "keras": "__version__: str\n"}.get(module, "")
        texts[module] = ModuleWriter(tree, module, more.get(module)).text(title, extra)
    head = HEADER.format(title="tf.compat.v2: the public API itself.")
    texts["compat.v2"] = head + "from penstock import *\n\ndef enable_v2_behavior() -> None: ...\n"
    out = {PACKAGE / m.replace(".", "/") / "__init__.pyi": text for m, text in texts.items()}
    for name, parent in OF_KERAS_2.items():
        head = HEADER.format(title=f"tf.{parent}.{name}: what Keras 2 has for TensorFlow 1.")
        # A file: a folder of that name would be a package at run time.
        out[PACKAGE / parent.replace(".", "/") / f"{name}.pyi"] = head + ANYTHING
    out[PACKAGE / "_typing.pyi"] = (knowledge.FOLDER / "_typing.pyi").read_text(encoding="utf-8")
    out[PACKAGE / "py.typed"] = ""
    return out


def typings() -> dict[pathlib.Path, str]:
    """The stubs by which editors take `tensorflow` and `keras` for Penstock's in this repository: the modules that programs import."""
    found = {}
    for name in editor_stubs.NAMES:
        for path, text in editor_stubs.alias_stubs(name).items():
            parts = pathlib.PurePosixPath(path).parts[:-1]
            of_keras = name == "keras" or parts[:1] == ("keras",)
            if len(parts) <= (2 if of_keras else 1) and not "".join(parts).startswith("_"):
                found[TYPINGS / name / path] = text
    return found


def listed(stubs: dict[pathlib.Path, str]) -> str:
    """The list of the public API."""
    inits = {path.parent: text for path, text in stubs.items() if path.name == "__init__.pyi"}
    modules = {folder.relative_to(PACKAGE).as_posix(): text for folder, text in inits.items()}
    return listing.listing({name.replace("/", ".").strip("."): t for name, t in modules.items()})


def digest() -> str:
    """The hash of all that stubs are made of."""
    folders = (PACKAGE / "_src", ROOT / "tools" / "stub_writer")
    paths = [
        p for folder in folders for p in folder.rglob("*") if p.suffix in (".py", ".pyi", ".txt")
    ]
    sums = hashlib.sha256(f"{sys.version} {keras_version()}".encode())
    for path in sorted([*paths, pathlib.Path(__file__)]):
        sums.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return sums.hexdigest()


def is_unchanged() -> bool:
    """True if the stubs that are there were made of the sources as they are."""
    made = DIGEST.exists() and (PACKAGE / "__init__.pyi").exists() and TYPINGS.exists()
    return made and DIGEST.read_text() == digest()


def stale(expected: dict[pathlib.Path, str], present: set[pathlib.Path]) -> list[pathlib.Path]:
    """The files whose text is another, and those that should not be there."""
    changed = [
        p for p, t in expected.items() if not p.exists() or p.read_text(encoding="utf-8") != t
    ]
    return changed + sorted(present - set(expected))


def update(expected: dict[pathlib.Path, str], present: set[pathlib.Path]) -> None:
    """Writes what has changed and removes what is left over."""
    for path in stale(expected, present):
        print(f"wrote: {path.relative_to(ROOT)}")
        if path in expected:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(expected[path], encoding="utf-8")
        else:
            path.unlink()


def main() -> int:
    """Writes or checks; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--check", action="store_true", help="write nothing, fail if stale")
    ways.add_argument("--if-changed", action="store_true", help="only if the sources have changed")
    ways.add_argument("--package", action="store_true", help="only what a wheel has")
    args = parser.parse_args()
    if args.if_changed and is_unchanged():
        return 0
    gc.disable()  # modules and trees of syntax live to the end: looking for garbage among them took a third of the time
    failed = gen_api.import_everything(strict=args.check)
    incomplete = [p for p, t in gen_api.files().items() if p.read_text(encoding="utf-8") != t]
    if failed and incomplete:  # what needs packages that are not there may not be public
        print(
            f"Public names are missing, for {', '.join(failed)} cannot be imported: {incomplete[0]}"
        )
        return 1
    expected = files()
    if args.check:
        if LISTING.exists() and LISTING.read_text(encoding="utf-8") == listed(expected):
            return 0
        print(f"stale: {LISTING.relative_to(ROOT)}; run python tools/gen_stubs.py")
        return 1
    update(expected, {p for p in PACKAGE.rglob("*.pyi") if "_src" not in p.parts})
    if not args.package:
        update(typings(), set(TYPINGS.rglob("*.pyi")))
        DIGEST.parent.mkdir(exist_ok=True)
        DIGEST.write_text(digest())
    if not (args.package or args.if_changed):
        update({LISTING: listed(expected)}, set())
    return 0


if __name__ == "__main__":
    sys.exit(main())
