"""Methods of Dataset that mix datasets or bring elements of like length together."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.data import structure
from penstock._src.data.buckets import bucketed


class Sampling:
    """The part of Dataset about several datasets."""

    map: Callable[..., Any]
    element_spec: Any

    @staticmethod
    def sample_from_datasets(
        datasets: Sequence[Any],
        weights: Any = None,
        seed: Any = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Any:
        """Returns the dataset of elements of `datasets`, each chosen at random by `weights`.

        Args:
          datasets: with elements of one structure.
          weights: one per dataset, a tensor, or a dataset of such; by default all equal.
          seed: of the choices.
          stop_on_empty_dataset: whether the end of one dataset is the end of all.
          rerandomize_each_iteration: whether each iteration chooses anew.

        Raises:
          ValueError: there are no datasets, or not one weight for each.
        """
        from penstock._src.data.dataset import Dataset

        if not datasets:
            raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
        count = len(datasets)
        if hasattr(weights, "__len__") and len(weights) != count:
            raise ValueError(
                "Invalid `weights`. `weights` should have the same length as `datasets` but got "
                f"`len(weights)={len(weights)}` vs. `len(datasets)={count}`."
            )
        if isinstance(weights, (list, tuple)):
            # A dataset that is never chosen must not be waited for.
            kept = [(d, w) for d, w in zip(datasets, weights, strict=True) if w > 0]
            if not kept:
                return datasets[0].take(0)
            datasets, weights = [d for d, _ in kept], [w for _, w in kept]
            count = len(datasets)
        if count == 1:
            return datasets[0]
        draws = Dataset.random(
            seed=seed, rerandomize_each_iteration=rerandomize_each_iteration
        ).batch(2)
        if isinstance(weights, Sampling):
            chosen = Dataset.zip((weights, draws)).map(
                lambda part, pair: _choice(_logits(part, count), pair)
            )
        else:
            logits = _logits(np.ones(count, np.float32) if weights is None else weights, count)
            chosen = draws.map(lambda pair: _choice(logits, pair))
        return directed(chosen, list(datasets), stop_on_empty_dataset)

    @staticmethod
    def choose_from_datasets(
        datasets: Sequence[Any], choice_dataset: Any, stop_on_empty_dataset: bool = True
    ) -> Any:
        """Returns the dataset of elements of those `datasets` whose indices `choice_dataset` gives.

        Raises:
          TypeError: `choice_dataset` does not consist of int64 scalars.
        """
        if not datasets:
            raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
        spec = choice_dataset.element_spec
        if not (
            isinstance(spec, TensorSpec) and spec.dtype is dtypes.int64 and spec.shape.rank == 0
        ):
            raise TypeError(
                "Invalid `choice_dataset`. Elements of `choice_dataset` must be scalar `tf.int64` "
                f"tensors but are {spec}."
            )
        return directed(choice_dataset, list(datasets), stop_on_empty_dataset)

    def bucket_by_sequence_length(
        self,
        element_length_func: Callable[..., Any],
        bucket_boundaries: Sequence[int],
        bucket_batch_sizes: Sequence[int],
        padded_shapes: Any = None,
        padding_values: Any = None,
        pad_to_bucket_boundary: bool = False,
        no_padding: bool = False,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Any:
        """Returns the dataset of batches of elements of like length.

        Args:
          element_length_func: the length of an element, an int32 scalar.
          bucket_boundaries: the upper bounds of the lengths in the buckets, ascending.
          bucket_batch_sizes: the size of the batches of each bucket; one more than boundaries.
          padded_shapes: as of `padded_batch`.
          padding_values: as of `padded_batch`.
          pad_to_bucket_boundary: whether to pad to the boundary instead of the longest.
          no_padding: whether elements of a bucket need no padding.
          drop_remainder: whether to leave out batches that are not full.
          name: of the op.
        """
        return bucketed(
            self,
            element_length_func,
            bucket_boundaries,
            bucket_batch_sizes,
            padded_shapes,
            padding_values,
            pad_to_bucket_boundary,
            no_padding,
            drop_remainder,
            name,
        )

    def rejection_resample(
        self,
        class_func: Callable[..., Any],
        target_dist: Any,
        initial_dist: Any = None,
        seed: Any = None,
        name: str | None = None,
    ) -> Any:
        """Returns the dataset of (class, element) in which classes occur as often as `target_dist`
        says, by leaving elements out at random.

        Args:
          class_func: the class of an element, an int32 scalar from 0 on.
          target_dist: the wanted share of each class.
          initial_dist: the share of each class before; if None, it is estimated on the way.
          seed: of the choices.
          name: of the op.
        """
        target = convert_to_tensor(target_dist, dtype=dtypes.float32)

        def classified(*parts: Any) -> Any:
            element = parts if type(self.element_spec) is tuple else parts[0]
            return raw.Cast(x=convert_to_tensor(class_func(*parts)), DstT=dtypes.int32), element

        pairs = self.map(classified, name=name)
        if initial_dist is not None:
            accept = _acceptance(convert_to_tensor(initial_dist, dtype=dtypes.float32), target)
            shares = pairs.map(lambda kind, element: (kind, element, accept))
        else:
            classes = int(target.shape[0])
            start = np.full(classes, 16.0 / classes, np.float32)

            def count(seen: Any, pair: Any) -> Any:
                kind, element = pair
                seen = seen + raw.OneHot(
                    indices=kind, depth=classes, on_value=np.float32(1), off_value=np.float32(0)
                )
                total = raw.Sum(input=seen, axis=[0])
                return seen, (kind, element, _acceptance(seen / total, target))

            shares = pairs.scan(start, count)
        return directed_by_chance(shares, seed)


def directed_by_chance(shares: Any, seed: Any) -> Any:
    """The (class, element) of (class, element, chances), each kept with the chance of its class."""
    from penstock._src.data.dataset import Dataset

    draws = Dataset.random(seed=seed)

    def keep(item: Any, draw: Any) -> Any:
        kind, _, chances = item
        chance = raw.GatherV2(params=chances, indices=kind, axis=0)
        return raw.Cast(x=draw, DstT=dtypes.float32) * np.float32(2.0**-32) < chance

    kept = Dataset.zip((shares, draws)).filter(keep)
    return kept.map(lambda item, _draw: (item[0], item[1]))


def _acceptance(initial: Any, target: Any) -> Any:
    """How often to keep an element of each class."""
    smallest = np.float32(np.finfo(np.float32).tiny)
    ratio = target / raw.Maximum(x=initial, y=smallest)
    return ratio / raw.Max(input=ratio, axis=[0])


def _logits(weights: Any, count: int) -> Tensor:
    tensor = convert_to_tensor(weights)
    if tensor.dtype not in (dtypes.float32, dtypes.float64):
        raise TypeError(
            "Invalid `weights`. `weights` type must be either `tf.float32` or `tf.float64` but is "
            f"{tensor.dtype}."
        )
    known = tensor.shape[0] if tensor.shape.rank else None
    if known is not None and known != count:
        raise ValueError(
            f"Invalid `weights`. The shape of `weights` should be compatible with `[{count}]` but "
            f"is {tensor.shape}."
        )
    return raw.ExpandDims(input=raw.Log(x=tensor), axis=0)


def _choice(logits: Any, pair: Any) -> Any:
    drawn = raw.StatelessMultinomial(
        logits=logits, num_samples=1, seed=pair, output_dtype=dtypes.int64
    )
    return raw.Squeeze(input=drawn, squeeze_dims=[0, 1])


def directed(selector: Any, datasets: list[Any], stop_on_empty: bool) -> Any:
    """The dataset that takes its elements from where `selector` says.

    Raises:
      TypeError: the datasets differ in structure.
    """
    spec = datasets[0].element_spec
    for dataset in datasets[1:]:
        merged = structure.relaxed(spec, dataset.element_spec)
        if merged is None:
            raise TypeError(
                "Invalid `datasets`. `datasets` must have compatible element specs. Received "
                f"{spec} and {dataset.element_spec}."
            )
        spec = merged
    variant = raw.DirectedInterleaveDataset(
        selector_input_dataset=selector._variant_tensor,
        data_input_datasets=[dataset._variant_tensor for dataset in datasets],
        output_types=structure.flat_types(spec),
        output_shapes=structure.flat_shapes(spec),
        stop_on_empty_dataset=stop_on_empty,
    )
    return datasets[0]._derived("_DirectedInterleaveDataset", variant, spec, selector, *datasets)
