"""Iterators as objects that a v1 Saver saves."""

from collections.abc import Sequence
from typing import Any

from penstock._src.core.registry import raw
from penstock._src.data.options import ExternalStatePolicy
from penstock._src.util.export import export
from penstock._src.v1.saving.saveables import SaveableObject, SaveSpec


class IteratorSaveable(SaveableObject):
    """The state of an iterator."""

    def __init__(
        self,
        iterator_resource: Any,
        name: str,
        external_state_policy: ExternalStatePolicy = ExternalStatePolicy.FAIL,
    ) -> None:
        state = raw.SerializeIterator(
            resource_handle=iterator_resource, external_state_policy=external_state_policy.value
        )
        spec = SaveSpec(state, "", f"{name}_STATE", device=iterator_resource.device)
        super().__init__(iterator_resource, [spec], name)

    def restore(self, restored_tensors: Sequence[Any], restored_shapes: Any) -> Any:
        """Returns the operation that moves the iterator to a saved position."""
        return raw.DeserializeIterator(resource_handle=self.op, serialized=restored_tensors[0])


@export("data.experimental.make_saveable_from_iterator")
def make_saveable_from_iterator(iterator: Any, external_state_policy: Any = None) -> Any:
    """Returns an object for the collection SAVEABLE_OBJECTS, with which a v1 Saver saves an iterator.

    Args:
      iterator: of a graph.
      external_state_policy: "fail" (the default), "warn" or "ignore", if functions of the dataset
        have state.

    Returns:
      A saveable object.

    Raises:
      ValueError: there is no such policy.
    """
    policy = "fail" if external_state_policy is None else external_state_policy
    if not isinstance(policy, ExternalStatePolicy):
        if policy not in ("warn", "ignore", "fail"):
            raise ValueError(
                "Invalid `ExternalStatePolicy.` Supported values include 'warn', 'ignore', and "
                f"'fail.' Received {policy}."
            )
        policy = ExternalStatePolicy[policy.upper()]
    resource = iterator._iterator_resource
    return IteratorSaveable(resource, resource.name, external_state_policy=policy)
