"""Iterators that deal elements to devices: `tensorflow.python.data.ops.multi_device_iterator_ops`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.api.control import scopes
from penstock._src.bridge.internals.datasets import _GeneratorDataset
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import OutOfRangeError
from penstock._src.core.registry import raw
from penstock._src.core.specs import TypeSpec
from penstock._src.data import structure
from penstock._src.data.iterator import IteratorSpec, OwnedIterator
from penstock._src.v1.inputs.datasets import make_initializable_iterator


class _Dealer:
    """An iteration over a dataset that deals its elements to devices in turn."""

    def __init__(self, dataset: Any, devices: Sequence[str], max_buffer_size: int) -> None:
        self.dataset, self.devices, self.most = dataset, list(devices), max_buffer_size
        self.spec = dataset.element_spec
        kinds = {
            "output_types": structure.flat_types(self.spec),
            "output_shapes": structure.flat_shapes(self.spec),
        }
        self.resource = raw.AnonymousMultiDeviceIteratorV3(devices=self.devices, **kinds)
        self._kinds = kinds

    def start(self) -> Any:
        """Begins the iteration; returns its number."""
        return raw.MultiDeviceIteratorInit(
            dataset=self.dataset._variant_tensor,
            multi_device_iterator=self.resource,
            max_buffer_size=convert_to_tensor(self.most, dtypes.int64),
        )

    def part(self, position: int, incarnation: Any, ahead: int) -> Any:
        """Returns the dataset of the elements of one device."""

        def following(number: Any) -> Any:
            tensors = raw.MultiDeviceIteratorGetNextFromShard(
                multi_device_iterator=self.resource,
                shard_num=position,
                incarnation_id=number,
                **self._kinds,
            )
            return structure.from_tensors(self.spec, tensors)

        dataset = _GeneratorDataset(
            incarnation, lambda number: number, following, lambda number: number, self.spec
        )
        return dataset.prefetch(ahead) if ahead else dataset


class _ByDevice:
    """The iterators of the devices, and the elements they give."""

    _devices: list[str]
    _device_iterators: list[Any]
    _element_spec: Any

    def get_next(self, device: str | None = None) -> Any:
        """Returns the next element of a device, or the list of the next elements of all."""
        if device is not None:
            return self._device_iterators[self._devices.index(device)].get_next()
        return [iterator.get_next() for iterator in self._device_iterators]

    def get_next_as_optional(self) -> list[Any]:
        """Returns for each device the next element, which may be absent."""
        return [iterator.get_next_as_optional() for iterator in self._device_iterators]

    @property
    def element_spec(self) -> Any:
        """The structure of TypeSpecs of the elements."""
        return self._element_spec


class MultiDeviceIterator(_ByDevice):
    """An iterator whose elements go to devices in turn; in graphs, `initializer` starts it.

    Args:
      dataset: the dataset.
      devices: their names.
      max_buffer_size: how many elements wait for a device at most.
      prefetch_buffer_size: how many elements are made ahead for each device.
      source_device: accepted.
    """

    def __init__(
        self,
        dataset: Any,
        devices: Sequence[str],
        max_buffer_size: int = 1,
        prefetch_buffer_size: int = 1,
        source_device: str = "/cpu:0",
    ) -> None:
        del source_device
        dealer = _Dealer(dataset, devices, max(max_buffer_size, prefetch_buffer_size))
        self._dealer, self._ahead = dealer, prefetch_buffer_size
        self._devices, self._element_spec = dealer.devices, dealer.spec
        self._dataset = dataset
        if STATE.graph is None:
            self._eager_reset()
            return
        parts = self._parts()
        self._device_iterators = [make_initializable_iterator(part) for part in parts]
        self._initializer = scopes.group(
            *[iterator.initializer for iterator in self._device_iterators]
        )

    def _parts(self) -> list[Any]:
        number = self._dealer.start()
        return [self._dealer.part(i, number, self._ahead) for i in range(len(self._devices))]

    def _eager_reset(self) -> None:
        """Begins again."""
        if STATE.graph is not None:
            raise ValueError(
                "Resetting a multi-device iterator is only supported in the eager mode."
            )
        self._device_iterators = [iter(part) for part in self._parts()]

    @property
    def initializer(self) -> Any:
        """The operation that starts the iteration, in graphs."""
        return raw.NoOp() if STATE.graph is None else self._initializer


class MultiDeviceIteratorSpec(TypeSpec):
    """The type of an OwnedMultiDeviceIterator."""

    def __init__(self, devices: Sequence[str], source_device: str, element_spec: Any) -> None:
        self._devices, self._source_device = list(devices), source_device
        self._element_spec = element_spec

    value_type = property(lambda _: OwnedMultiDeviceIterator, doc="The class of the values.")

    def _serialize(self) -> tuple[Any, ...]:
        return tuple(self._devices), self._source_device, self._element_spec

    @property
    def _component_specs(self) -> Any:
        return [IteratorSpec(self._element_spec) for _ in self._devices]

    def _to_components(self, value: Any) -> Any:
        return value._device_iterators

    def _from_components(self, components: Any) -> Any:
        return OwnedMultiDeviceIterator(
            devices=self._devices,
            source_device=self._source_device,
            components=components,
            element_spec=self._element_spec,
        )


class OwnedMultiDeviceIterator(_ByDevice, CompositeTensor):
    """An iterator whose elements go to devices in turn, for eager code and functions.

    Args:
      dataset: the dataset.
      devices: their names.
      max_buffer_size: how many elements wait for a device at most.
      prefetch_buffer_size: how many elements are made ahead for each device.
      source_device: accepted.
      components: the iterators of the devices, in place of a dataset.
      element_spec: of these.
    """

    def __init__(
        self,
        dataset: Any = None,
        devices: Sequence[str] | None = None,
        max_buffer_size: int = 1,
        prefetch_buffer_size: int = 1,
        source_device: str = "/cpu:0",
        components: Any = None,
        element_spec: Any = None,
    ) -> None:
        if STATE.graph is not None and not STATE.graph.building_function:
            raise RuntimeError(
                "OwnedMultiDeviceIterator is only supported inside of tf.function or when eager "
                "execution is enabled."
            )
        if devices is None:
            raise ValueError("`devices` must be provided.")
        if dataset is None and (components is None or element_spec is None):
            raise ValueError(
                "When `dataset` is not provided, both `components` and `element_spec` must be "
                "specified."
            )
        self._devices, self._source_device = list(devices), source_device
        if dataset is None:
            self._device_iterators, self._element_spec = list(components), element_spec
            return
        dealer = _Dealer(dataset, devices, max(max_buffer_size, prefetch_buffer_size))
        self._element_spec, number = dealer.spec, dealer.start()
        self._device_iterators = [
            OwnedIterator(dealer.part(position, number, prefetch_buffer_size))
            for position in range(len(self._devices))
        ]

    def __iter__(self) -> OwnedMultiDeviceIterator:
        return self

    def next(self) -> Any:
        """Returns the next elements of all devices."""
        return self.__next__()

    def __next__(self) -> Any:
        try:
            return self.get_next()
        except OutOfRangeError:
            raise StopIteration from None

    @property
    def _type_spec(self) -> MultiDeviceIteratorSpec:
        return MultiDeviceIteratorSpec(self._devices, self._source_device, self._element_spec)
