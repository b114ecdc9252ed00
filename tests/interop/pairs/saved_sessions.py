"""SavedModels that sessions write: operations that run once they are loaded, and the choice of tags."""

from pathlib import Path
from typing import Any

from tests.interop.pairs import error_of


def _run(tf: Any, path: str, fetches: Any, tags: tuple[str, ...] = ("serve",)) -> Any:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.saved_model.load(session, list(tags), path)
        return [session.run(fetches) for _ in range(2)]


class Beginnings:
    """`legacy_init_op` in a text file, and the initializer of an iterator as `main_op`."""

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        return [cls._saved(tf, step, folder) for step in (cls.local, cls.numbers)]

    @staticmethod
    def _saved(tf: Any, step: Any, folder: str) -> Any:
        v1, path = tf.compat.v1, Path(folder, step.__name__)
        with tf.Graph().as_default(), v1.Session() as session:
            builder = v1.saved_model.Builder(str(path))
            arguments = step(tf, v1, session)
            builder.add_meta_graph_and_variables(session, ["serve"], **arguments)
            builder.save(as_text=step.__name__ == "local")
        return sorted(each.name for each in path.iterdir())

    @staticmethod
    def local(tf: Any, v1: Any, session: Any) -> dict[str, Any]:
        """A local variable gets its value when the model is loaded."""
        kept = v1.get_variable("kept", initializer=2.0)
        local = v1.get_variable("local", initializer=0.0, collections=["local_variables"])
        begin = v1.assign(local, 5.0)
        y = tf.add(kept, local, name="y")
        session.run([kept.initializer, begin.op])
        signature = v1.saved_model.predict_signature_def({"kept": kept}, {"y": y})
        options = {"clear_devices": True, "strip_default_attrs": True}
        return options | {
            "signature_def_map": {"serving_default": signature},
            "legacy_init_op": tf.group(begin),
        }

    @staticmethod
    def numbers(tf: Any, v1: Any, session: Any) -> dict[str, Any]:
        """An iterator begins when the model is loaded."""
        squares = tf.data.Dataset.range(9).map(lambda x: x * x).shuffle(4, seed=2)
        iterator = v1.data.make_initializable_iterator(squares)
        tf.identity(iterator.get_next(), name="element")
        session.run(v1.get_variable("v", initializer=1).initializer)
        return {"main_op": iterator.initializer}

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        local = f"{folder}/local"
        return {
            "local": _run(tf, local, "y:0"),
            "numbers": _run(tf, f"{folder}/numbers", "element:0"),
            "no tags": error_of(lambda: _run(tf, local, "y:0", ())),
            "other tags": error_of(lambda: _run(tf, local, "y:0", ("gpu",))),
        }
