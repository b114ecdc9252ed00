"""A pipeline as TFX means it, from files of a table to a model that a server takes.

    penstock run examples/pipeline/run.py                   on this machine
    penstock run examples/pipeline/run.py --runner beam     by Apache Beam; options after `--` are Beam's
    penstock run examples/pipeline/run.py --runner ray      by Ray

The data are flights from New York with the weather, a file a month; the model says which will be late. The newest file judges
the model, the others train it. Steps run only where something that they depend on has changed; killed, they go on from where
they were. Bad data, skew, and a model worse than the last stop the pipeline: it says why, and its status is 1.
"""

import argparse
import fcntl
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import describe
import evaluate
import push
import schema
import train
import transform
import validate
from lineage import Lineage
from runners import RUNNERS
from store import Artifact, Task, clean, find, source

EXAMPLES = Path(__file__).resolve().parent.parent


class NotBetterError(Exception):
    """A model that must not take the place of the last."""


class Pipeline:
    """Does tasks that have not been done, and says which."""

    def __init__(self, root: Path, runner: str, options: Sequence[str]) -> None:
        self._root, self._runner, self._options = root, runner, options
        self.done: list[str] = []

    def each(self, tasks: Sequence[Task]) -> list[Artifact]:
        """Does independent tasks of one step, by the runner, and returns what they made."""
        waiting = [task for task in tasks if find(self._root, task) is None]
        start = time.perf_counter()
        if waiting:
            runner = "local" if any(task.resumes for task in tasks) else self._runner
            RUNNERS[runner](self._root, waiting, self._options)
            self.done += [task.step for task in waiting]
        kept = len(tasks) - len(waiting)
        seconds = time.perf_counter() - start
        print(
            f"{tasks[0].step:12} {len(waiting):3} done {kept:3} kept {seconds:6.1f} s", flush=True
        )
        found = [find(self._root, task) for task in tasks]
        missing = [task.key for task, made in zip(tasks, found) if made is None]
        if missing:
            raise RuntimeError(f"The runner has not done {tasks[0].step} {missing}.")
        return [made for made in found if made is not None]

    def one(self, *task: Any, **options: Any) -> Artifact:
        """Does one task: `Task`'s arguments."""
        return self.each([Task(*task, **options)])[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the pipeline. Returns 1 if it stopped for a reason that it says."""
    options, own = parse(arguments)
    options.root.mkdir(parents=True, exist_ok=True)
    with (options.root / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Another run uses {options.root}.")
        pipeline = Pipeline(options.root, options.runner, own)
        try:
            run(pipeline, options)
        except (validate.BadDataError, evaluate.SkewError, NotBetterError) as error:
            print(error)
            return 1
        finally:
            Lineage(options.root)  # gathers the records
    return 0


def run(pipeline: Pipeline, options: argparse.Namespace) -> None:
    """Runs all steps."""
    files = [
        source(path) for path in sorted(options.data.glob("*.csv*")) if path.name < options.until
    ]
    if len(files) < 4:
        raise validate.BadDataError(
            f"{options.data} has {len(files)} files: at least 4 are needed."
        )
    clean(options.root)
    statistics = pipeline.each([Task("statistics", describe.describe, {"rows": f}) for f in files])
    rules, reference = schema_of(pipeline, options, statistics)
    reports = pipeline.each(
        [
            Task(
                "validate",
                validate.validate,
                {"rows": f, "statistics": s, "schema": rules, "reference": reference},
            )
            for f, s in zip(files, statistics)
        ]
    )
    validate.require_good({f.name: r.path for f, r in zip(files, reports)})

    *seen, newest = files
    analysis = pipeline.one("analyze", transform.analyze, {"statistics": statistics[: len(seen)]})
    examples = pipeline.each(
        [
            Task("materialize", transform.materialize, {"rows": f, "analysis": analysis})
            for f in seen
        ]
    )
    model = pipeline.one(
        "train",
        train.train,
        {"examples": examples, "analysis": analysis},
        {"epochs": options.epochs, "rate": options.rate, "units": options.units},
        resumes=True,
    )
    pipeline.one(
        "skew", evaluate.compare, {"rows": seen[-1], "examples": examples[-1], "model": model}
    )
    report = judge(pipeline, options, newest, model)
    version = push.push(options.root / "serving" / "flights", model)
    print(f"{version} is {model.name}: AUC {report['slices'][0]['auc']:.4f}")


def schema_of(
    pipeline: Pipeline, options: argparse.Namespace, statistics: Sequence[Artifact]
) -> tuple[Artifact, Artifact]:
    """Returns the schema, which people may edit, and the statistics that it came from. The first run infers it."""
    kept = options.root / "schema"
    if not kept.exists():
        first = list(statistics[: min(options.first, len(statistics) - 1)])
        inferred = pipeline.one("schema", schema.infer, {"statistics": first})
        shutil.copytree(inferred.path, options.root / "schema.unfinished", dirs_exist_ok=True)
        (options.root / "schema.unfinished").rename(kept)
        print(f"{kept / 'schema.json'} is new: please look at it")
    return source(kept / "schema.json"), source(kept / "reference.json")


def judge(
    pipeline: Pipeline, options: argparse.Namespace, newest: Artifact, model: Artifact
) -> dict[str, Any]:
    """Evaluates the model beside the one that is served, on rows that neither has seen.

    Raises:
      NotBetterError: it is worse.
    """
    served = [push.origin(v) for v in push.versions(options.root / "serving" / "flights")]
    others = [name for name in served if name != model.name]
    models = [model, *(named(options.root, name) for name in others[-1:])]
    tasks = [Task("predict", evaluate.predict, {"rows": newest, "model": m}) for m in models]
    predictions, *baseline = pipeline.each(tasks)
    found = pipeline.one(
        "evaluate",
        evaluate.evaluate,
        {"rows": newest, "predictions": predictions, "baseline": baseline},
        {
            "slices": ["origin", "carrier"],
            "least_auc": options.least_auc,
            "tolerance": options.tolerance,
            "least_rows": options.least_rows,
        },
    )
    report = json.loads((found.path / "evaluation.json").read_text())
    for part in report["slices"]:
        auc = "     -" if part["auc"] is None else f"{part['auc']:6.3f}"
        before = f"{part['baseline_loss']:8.4f}" if baseline else "       -"
        print(
            f"  {part['slice']:12} {part['rows']:6} rows  AUC {auc}  loss {part['loss']:.4f}  before {before}"
        )
    if not report["blessed"]:
        raise NotBetterError("\n".join(["The model is not pushed:", *report["reasons"]]))
    return report


def named(root: Path, name: str) -> Artifact:
    """Returns the artifact of a name."""
    folder = root / "artifacts" / name
    return Artifact(name, folder, json.loads((folder / "record.json").read_text())["output"])


def parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Returns the options, and those of the runner."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, default=EXAMPLES / "data" / "flights", help="the folder of CSV files")
    add("--root", type=Path, default=EXAMPLES.parent / "build" / "pipeline", help="all results")
    add("--until", default="2013-12", help="files whose names sort before this")
    add("--first", type=int, default=6, help="files that the schema is inferred from")
    add("--runner", choices=RUNNERS, default="local")
    add("--epochs", type=int, default=5)
    add("--rate", type=float, default=1e-3)
    add("--units", type=int, default=64)
    add("--least-auc", type=float, default=0.6, help="what a model must reach")
    add("--tolerance", type=float, default=0.005, help="how much worse it may be than the last")
    add("--least-rows", type=int, default=100, help="of a slice that is judged")
    given = list(sys.argv[1:] if arguments is None else arguments)
    at = given.index("--") if "--" in given else len(given)
    options = parser.parse_args(given[:at])
    options.root = options.root.resolve()
    return options, given[at + 1 :]


if __name__ == "__main__":
    sys.exit(main())
