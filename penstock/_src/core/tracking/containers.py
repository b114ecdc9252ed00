"""The base of lists, dicts and tuples that track the trackable objects they hold."""

from __future__ import annotations

import logging
from typing import Any

from penstock._src.core.tracking import trackable as tracking
from penstock._src.core.tracking.trackable import NoDependency, Trackable, is_saved_function
from penstock._src.util.export import export

log = logging.getLogger("tensorflow")


@export("__internal__.tracking.TrackableDataStructure", v1=[])
class TrackableDataStructure(Trackable):
    """Base of the tracking containers."""

    @property
    def _values(self) -> Any:
        """The elements, in the order of their names."""
        raise NotImplementedError

    @property
    def _elements(self) -> Any:
        """The elements, in their own order."""
        return self._values

    def _track_value(self, value: Any, name: str) -> Any:
        """Makes an element the dependency `name` if it can be tracked; returns it as it is stored."""
        if isinstance(value, NoDependency):
            return value.value
        value = tracking.wrap(value)
        if isinstance(value, Trackable):
            try:
                self._track_trackable(value, name, overwrite=True)
            except ValueError as error:
                # An element of another shape than was saved keeps its value, as in TensorFlow: programs that create
                # variables after restoring, such as Keras's optimizers, may append other variables than those saved.
                log.warning("Element %r of a container is not restored. %s", name, error)
        return value

    @property
    def trainable(self) -> bool:
        """True if the structure's trainable variables are listed as trainable."""
        return self.__dict__.get("_self_trainable", True)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.__dict__["_self_trainable"] = value

    @property
    def _layers(self) -> list[Any]:
        """The elements that have weights: layers, modules, containers."""
        return [value for value in self._values if _has_weights(value)]

    @property
    def layers(self) -> list[Any]:
        """The Keras 2 layers among the elements and in nested containers."""
        layers: list[Any] = []
        for value in self._layers:
            if isinstance(value, TrackableDataStructure):
                layers += value.layers
            elif getattr(value, "_is_layer", False):
                layers.append(value)
        return layers

    @property
    def trainable_weights(self) -> list[Any]:
        """The trainable variables of the elements and of their layers."""
        return self._trainable() if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other variables of the elements and of their layers."""
        rest = self._gathered("non_trainable_variables")
        rest += [v for v in self._own_variables() if not v.trainable]
        return rest if self.trainable else self._trainable() + rest

    @property
    def weights(self) -> list[Any]:
        """All variables, the trainable ones first."""
        return self.trainable_weights + self.non_trainable_weights

    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights
    variables = weights

    @property
    def losses(self) -> list[Any]:
        """The losses that layers among the elements have added."""
        return [loss for layer in self.layers for loss in getattr(layer, "losses", ())]

    @property
    def updates(self) -> list[Any]:
        """The updates that layers among the elements have added."""
        return [update for layer in self.layers for update in getattr(layer, "updates", ())]

    def _trainable(self) -> list[Any]:
        own = [v for v in self._own_variables() if v.trainable]
        return self._gathered("trainable_variables") + own

    def _gathered(self, name: str) -> list[Any]:
        values: list[Any] = []
        for value in self._values:
            if isinstance(value, Trackable):
                values += getattr(value, name, ())
        return values

    def _own_variables(self) -> list[Any]:
        return [value for value in self._elements if getattr(value, "_is_tensor_like", False)]

    def _tracked_trackable(self, value: Any, name: str) -> Any:
        """Tracks an element that must be a Trackable."""
        tracked = self._track_value(value, name)
        if not isinstance(tracked, Trackable):
            raise ValueError(
                "Only trackable objects (such as Layers or Optimizers) may be stored in a "
                f"{type(self).__name__} object. Got {tracked}, which does not inherit from Trackable."
            )
        return tracked

    def _functions(self, named: Any, save_type: str) -> dict[str, Any]:
        """The elements that are functions, which SavedModels hold besides the tracked ones."""
        if save_type != "savedmodel":
            return {}
        return {name: value for name, value in named if is_saved_function(value)}

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


def _has_weights(value: Any) -> bool:
    return isinstance(value, TrackableDataStructure) or (
        hasattr(type(value), "trainable_weights") and hasattr(type(value), "non_trainable_weights")
    )
