"""What is done again and again. `Scene.begin()` makes what the steps share, and gives a step, called with its number."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.soak.scenes.datasets import abandoned_datasets
from tests.soak.scenes.files import checkpoints, saved_models
from tests.soak.scenes.functions import dropped_functions, retraces, shapes
from tests.soak.scenes.sessions import sessions
from tests.soak.scenes.training import fits, training_steps


@dataclass(frozen=True)
class Scene:
    """count: steps of a full run; short: of the test; fit trains a hundred steps in each."""

    begin: Callable[[], Callable[[int], None]]
    count: int
    short: int


SCENES = {
    "training_steps": Scene(training_steps, 1_000_000, 20_000),
    "fits": Scene(fits, 10_000, 60),
    "retraces": Scene(retraces, 10_000, 800),
    "dropped_functions": Scene(dropped_functions, 10_000, 400),
    "shapes": Scene(shapes, 10_000, 800),
    "saved_models": Scene(saved_models, 10_000, 60),
    "abandoned_datasets": Scene(abandoned_datasets, 1_000, 100),
    "sessions": Scene(sessions, 10_000, 100),
    "checkpoints": Scene(checkpoints, 1_000, 100),
}
