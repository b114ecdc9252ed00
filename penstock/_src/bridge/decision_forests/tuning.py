"""Looking for hyperparameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["RandomSearch", "SearchSpace"]


class SearchSpace:
    """Values of hyperparameters that are tried."""

    def __init__(self) -> None:
        self.choices: list[tuple[str, Sequence[Any], bool]] = []
        self.children: list[tuple[int, SearchSpace]] = []

    def choice(self, key: str, values: Sequence[Any], merge: bool = False) -> SearchSpace:
        """Adds values of a hyperparameter.

        Args:
          key: its name.
          values: that are tried.
          merge: whether they add to those of another call.

        Returns:
          The space of hyperparameters that are only tried with these values.

        Raises:
          ValueError: there are no values, there are some of another call already, or these are of another type.
        """
        known = [type(options[0]) for name, options, _ in self.choices if name == key]
        if not values:
            raise ValueError(f"Expected values of {key!r}. There are none.")
        if known and not merge:
            raise ValueError(f"{key!r} has values already; merge=True adds to them.")
        if known and known[0] is not type(values[0]):
            raise ValueError(
                f"Values of {key!r} are of the type {known[0].__name__}. Received: {values}"
            )
        self.choices.append((key, values, merge))
        child = SearchSpace()
        self.children.append((len(self.choices) - 1, child))
        return child

    def add_to(self, target: Any) -> None:
        """Adds the values to a tuner or space of ydf's."""
        candidates = [
            target.choice(key, list(values), merge=merge) for key, values, merge in self.choices
        ]
        for place, child in self.children:
            child.add_to(candidates[place])


class RandomSearch(SearchSpace):
    """Tries random hyperparameters.

    Args:
      num_trials: how many are tried.
      use_predefined_hps: whether ydf's usual values are tried.
      trial_num_threads: of a trial; has no meaning.
      trial_maximum_training_duration_seconds: of a trial.
    """

    def __init__(
        self,
        num_trials: int = 100,
        use_predefined_hps: bool = False,
        trial_num_threads: int = 1,
        trial_maximum_training_duration_seconds: float | None = None,
    ) -> None:
        super().__init__()
        self._trials, self._automatic = num_trials, use_predefined_hps
        self._seconds = trial_maximum_training_duration_seconds

    def of(self, package: Any) -> Any:
        """Returns the tuner of ydf.

        Args:
          package: ydf.
        """
        tuner = package.RandomSearchTuner(
            num_trials=self._trials,
            automatic_search_space=self._automatic,
            max_trial_duration=self._seconds,
        )
        self.add_to(tuner)
        return tuner
