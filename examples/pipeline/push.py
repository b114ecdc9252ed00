"""Serving folders as TensorFlow Serving reads them: NAME/1, NAME/2, ..., each a whole SavedModel."""

import json
import shutil
from pathlib import Path

from store import Artifact, commit

ORIGIN = Path("assets.extra") / "pipeline.json"  # a SavedModel's place for what belongs to it


def versions(serving: Path) -> list[Path]:
    """Returns the folders of all versions, oldest first."""
    return sorted((p for p in serving.glob("*") if p.name.isdecimal()), key=lambda p: int(p.name))


def origin(version: Path) -> str:
    """Returns the name of the artifact that a version is a copy of."""
    return json.loads((version / ORIGIN).read_text())["model"]


def push(serving: Path, model: Artifact) -> Path:
    """Copies a model to the next version, which appears whole or not at all; a server that polls the folder takes it from there.

    Args:
      serving: the folder of versions.
      model: what `train` has written.

    Returns:
      The version's folder: that of the newest version, if it is this model already.
    """
    present = versions(serving)
    if present and origin(present[-1]) == model.name:
        return present[-1]
    number = int(present[-1].name) + 1 if present else 1
    unfinished = serving / f"unfinished-{number}"  # no number: servers pass over it
    if unfinished.exists():
        shutil.rmtree(unfinished)
    shutil.copytree(model.path / "model", unfinished)
    (unfinished / ORIGIN).parent.mkdir(exist_ok=True)
    (unfinished / ORIGIN).write_text(json.dumps({"model": model.name, "digest": model.digest}))
    commit(unfinished, serving / str(number))
    return serving / str(number)
