"""Writes the table of TensorFlow's private names that are public symbols under another path.

Run it with an interpreter that has TensorFlow 2.21; Penstock is not needed:

    python tools/gen_private_paths.py penstock/_src/bridge/names

Each line of the table is a module below `tensorflow`, then groups of names: `tf.math:add,abs` says that the names
`add` and `abs` of this module are `tf.math.add` and `tf.math.abs`; `name=tf.math.add` gives one name another target;
`raw` says that raw operations are there, by their own names and by those of their Python wrappers. A line without
groups is a module that exists, all of whose names are internal.

The second table, `private_imports.txt`, says which internal names a module has from another private module, since it
imports them: `python.summary.writer.event_file_writer:EventFileWriter`, or `new=module:old`.

The third, `private_names.txt.gz`, has the names that are in neither, so that the three have all names of all modules:
names that TensorFlow lacks are not found, whatever our modules hold.
"""

from __future__ import annotations

import ast
import collections
import gzip
import importlib
import inspect
import os
import pathlib
import pkgutil
import re
import sys
import types
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
# Left out: helpers of TensorFlow's own tests, Keras (a package of its own) and C++ bindings.
LEFT_OUT = re.compile(
    r"(_test|\btest_base|_test_base|_test_ops|_op_base|_test_lib|_testlib|test_utils?|testing|combinations|_benchmark)$"
    r"|multi_process|kernel_tests\.random|\.tests?\.|\.testing\.|python\.keras\b|pywrap|_pb2_grpc|tflite_convert"
)
# Parts of the test kit that users import.
KEPT = {"tensorflow.python.framework.test_util"}
GENERATED = re.compile(r"\.gen_\w+$")
PACKAGES = ("tensorflow.python", "tensorflow.core", "tensorflow.dtensor")
# Modules elsewhere, or left out of the first table, for which there are modules of ours.
OTHERS = """
compiler.tf2tensorrt._pywrap_py_utils compiler.tf2xla.python.xla compiler.xla.xla_data_pb2
dtensor.python.tests.test_util lite.python.convert lite.python.convert_saved_model lite.python.interpreter
lite.python.lite lite.python.op_hint lite.python.util python.autograph.impl.testing.pybind_for_testing
python.data.kernel_tests.test_base python.distribute.combinations python.distribute.multi_process_runner
python.distribute.multi_worker_test_base python.distribute.strategy_combinations python.framework.combinations
python.framework.test_combinations python.keras python.keras.layers python.keras.saving
python.keras.saving.saving_utils python.platform._pywrap_tf2 python.pywrap_sanitizers python.pywrap_tensorflow
python.pywrap_tfe python.saved_model.pywrap_saved_model python.saved_model.pywrap_saved_model.constants
python.saved_model.pywrap_saved_model.fingerprinting python.saved_model.pywrap_saved_model.metrics
python.tools.saved_model_cli python.util._pywrap_util_port tools.compatibility.all_renames_v2
tools.compatibility.renames_v2 tools.docs.doc_controls
""".split()
CONSTANTS = (int, float, str, bytes, bool, tuple, type(None))


def import_all(package: types.ModuleType) -> None:
    """Imports what can be imported below a package."""
    for found in pkgutil.walk_packages(
        package.__path__, package.__name__ + ".", onerror=lambda _: None
    ):
        if is_left_out(found.name):
            continue
        try:
            importlib.import_module(found.name)
        except (Exception, SystemExit) as error:  # some need packages or devices that are not here
            print("left out:", found.name, repr(error)[:80], file=sys.stderr)


def is_left_out(module: str) -> bool:
    """True if a module is left out of the table."""
    return module not in KEPT and LEFT_OUT.search(module) is not None


def public_symbols(root: types.ModuleType, path: str) -> dict[int, list[str]]:
    """Maps the identity of each public object to its paths."""
    found: dict[int, list[str]] = collections.defaultdict(list)
    seen = set()

    def visit(module: types.ModuleType, path: str) -> None:
        if id(module) in seen:
            return
        seen.add(id(module))
        for name in sorted(dir(module)):
            if (
                name.startswith("_")
                and name != "__internal__"
                or name in ("keras", "estimator", "v1", "v2")
            ):
                continue
            value = getattr(module, name)
            if "Lazy" in type(value).__name__:
                continue
            if isinstance(value, types.ModuleType):
                if "tensorflow._api" in value.__name__ or name == "__internal__":
                    visit(value, f"{path}.{name}")
            elif not isinstance(value, CONSTANTS) and _is_own(value):
                found[id(value)].append(f"{path}.{name}")

    visit(root, path)
    return found


def _is_own(value: Any) -> bool:
    module = str(getattr(value, "__module__", "") or "")
    return module.startswith("tensorflow") or module.endswith("_pb2")


def public_constants() -> dict[str, list[tuple[str, Any]]]:
    """Maps the private name of exported constants to their public paths and values."""
    found = collections.defaultdict(list)
    for attribute, prefix in (
        ("_tf_api_constants_v1", "tf.compat.v1."),
        ("_tf_api_constants", "tf."),
    ):
        for module in list(sys.modules.values()):
            for names, name in vars(module).get(attribute, ()) if module else ():
                if names:
                    path = min(names, key=lambda name: (name.startswith("_"), len(name)))
                    found[name].insert(0, (prefix + path, getattr(module, name)))
    return found


def choose(paths: list[str], name: str) -> str:
    """Returns the shortest of several public paths, preferably one of the second API with the same last name."""
    return min(
        paths, key=lambda path: (".v1." in path, path.rsplit(".", 1)[1] != name, len(path), path)
    )


def by_function(tf: types.ModuleType, paths_of: dict[int, list[str]]) -> dict[int, list[str]]:
    """Maps the identity of the function below each public function's decorators to its paths."""
    from tensorflow.python.util import tf_decorator

    found: dict[int, list[str]] = {}
    for paths in paths_of.values():
        target = tf.compat.v2 if ".v1." not in paths[0] else tf
        for part in paths[0].split(".")[1:]:
            target = getattr(target, part)
        if callable(target) and not isinstance(target, type):
            found.setdefault(id(tf_decorator.unwrap(target)[1]), paths)
    return found


def table() -> dict[str, dict[str, str]]:
    """Maps each module to its names and their targets."""
    import tensorflow as tf

    for package in PACKAGES:
        import_all(importlib.import_module(package))
    identities = public_symbols(tf.compat.v2, "tf")
    for identity, paths in public_symbols(tf.compat.v1, "tf.compat.v1").items():
        identities[identity] += paths
    target_of = Targets(identities, by_function(tf, identities), public_constants())
    return {
        name.partition(".")[2]: target_of.row(module)
        for name, module in sorted(sys.modules.items())
        if name.startswith(PACKAGES) and module is not None and not is_left_out(name)
    }


class Targets:
    """Finds the public path of a private module's values."""

    def __init__(
        self, identities: dict[int, list[str]], functions: dict[int, list[str]], constants: dict
    ) -> None:
        self.identities, self.functions, self.constants = identities, functions, constants
        numpy = importlib.import_module("tensorflow").experimental.numpy
        self.numpy = {
            "tf.experimental.numpy": set(dir(numpy)),
            "tf.experimental.numpy.random": set(dir(numpy.random)),
        }
        self.raw = {
            name
            for key, module in sys.modules.items()
            if GENERATED.search(key)
            for name in vars(module)
        }

    def row(self, module: types.ModuleType) -> dict[str, str]:
        """Returns the targets of a module's names."""
        targets = {
            name: self._target(module.__name__, name, value)
            for name, value in sorted(vars(module).items())
            if not name.startswith("__") and not isinstance(value, types.ModuleType)
        }
        row = {name: target for name, target in targets.items() if target and target != "raw"}
        return row | ({"raw": "raw"} if "raw" in targets.values() else {})

    def _target(self, module: str, name: str, value: Any) -> str | None:
        if isinstance(value, CONSTANTS):
            known = self.constants.get(name, ())
            return next(
                (path for path, held in known if type(held) is type(value) and held == value), None
            )
        if ".numpy_ops." in module:
            holder = "tf.experimental.numpy" + (".random" if module.endswith("np_random") else "")
            return f"{holder}.{name}" if name in self.numpy[holder] else None
        paths = self.identities.get(id(value))
        if paths is None and callable(value) and not isinstance(value, type):
            from tensorflow.python.util import tf_decorator

            paths = self.functions.get(id(tf_decorator.unwrap(value)[1]))
        if paths is not None and not all(".raw_ops." in path for path in paths):
            return choose(paths, name)
        return (
            "raw"
            if name in self.raw and GENERATED.search(str(getattr(value, "__module__", "")))
            else None
        )


def line(module: str, row: dict[str, str]) -> str:
    """One line of the table."""
    groups, others = collections.defaultdict(list), []
    for name, target in row.items():
        if target == "raw":
            others.append("raw")
            continue
        holder, _, last = target.rpartition(".")
        if last == name:
            groups[holder].append(name)
        else:
            others.append(f"{name}={target}")
    return " ".join(
        [module, *(f"{holder}:{','.join(names)}" for holder, names in groups.items()), *others]
    )


def imported(path: str, public: dict[str, str]) -> dict[str, str]:
    """Maps the names that a module imports from other private modules, and that are not public symbols, to `module:name`."""
    module = sys.modules[f"tensorflow.{path}"]
    try:
        statements = ast.parse(inspect.getsource(module)).body
    except (OSError, TypeError):  # no Python, or an empty file
        return {}
    found = {}
    for statement in statements:
        if not isinstance(statement, ast.ImportFrom) or statement.level:
            continue
        root, _, home = str(statement.module).partition(".")
        for alias in statement.names if root == "tensorflow" else ():
            name = alias.asname or alias.name
            value = vars(module).get(name)
            if name not in public and value is not None and not _is_module_of_tensorflow(value):
                found[name] = f"{home}:{alias.name}"
    return found


def _is_module_of_tensorflow(value: Any) -> bool:
    return isinstance(value, types.ModuleType) and value.__name__.startswith("tensorflow")


def line_of_imports(module: str, row: dict[str, str]) -> str:
    """One line of the second table."""
    groups, others = collections.defaultdict(list), []
    for name, target in row.items():
        home, _, last = target.partition(":")
        if last == name:
            groups[home].append(name)
        else:
            others.append(f"{name}={target}")
    return " ".join([module, *(f"{home}:{','.join(n)}" for home, n in groups.items()), *others])


def other_names(rows: dict[str, dict[str, str]], imports: dict[str, dict[str, str]]) -> str:
    """The lines of the third table: of each module the names that are in neither of the others."""
    from absl import flags

    for flag in list(flags.FLAGS):  # programs define flags of one name
        delattr(flags.FLAGS, flag)
    paths = set(rows)
    for path in OTHERS:
        importlib.import_module(f"tensorflow.{path}")
        parts = path.split(".")
        paths |= {".".join(parts[: i + 1]) for i in range(len(parts))}
    lines = []
    for path in sorted(paths):
        known = {*rows.get(path, ()), *imports.get(path, ())}
        names = [n for n in dir(sys.modules[f"tensorflow.{path}"]) if not n.startswith("__")]
        lines.append(f"{path} {','.join(name for name in names if name not in known)}\n")
    return "".join(lines)


def main() -> None:
    """Writes the tables to the folder on the command line."""
    folder = pathlib.Path(sys.argv[1])
    rows = table()
    imports = {path: imported(path, row) for path, row in rows.items()}
    lines = [line_of_imports(*item) for item in imports.items() if item[1]]
    (folder / "private_imports.txt").write_text("".join(each + "\n" for each in lines))
    (folder / "private_paths.txt").write_text("".join(line(*item) + "\n" for item in rows.items()))
    names = gzip.compress(other_names(rows, imports).encode(), mtime=0)
    (folder / "private_names.txt.gz").write_bytes(names)
    print(len(rows), "modules,", sum(map(len, rows.values())), "names")


if __name__ == "__main__":
    main()
