"""Methods of Dataset that mix datasets or group elements of similar length."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.api.random.functions import uniform
from penstock._src.core import dtypes
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.data import structure
from penstock._src.data.batching.buckets import bucketed

_AT_ONCE = 32  # number of classes counted between updates of the estimate
_SEEN = 10  # initial count of each class


class Sampling:
    """The methods of Dataset about several datasets."""

    map: Callable[..., Any]
    random: Callable[..., Any]
    zip: Callable[..., Any]
    element_spec: Any

    @classmethod
    @shortening
    def sample_from_datasets(
        cls,
        datasets: Sequence[Any],
        weights: Any = None,
        seed: Any = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Any:
        """Returns elements of several datasets, each from one that is chosen at random.

        Args:
          datasets: a list of datasets with elements of one structure.
          weights: the probability of each, as a list, a tensor or a dataset; equal by default.
          seed: a Python integer that, with the global seed, determines the choices.
          stop_on_empty_dataset: whether the end of any dataset is the end.
          rerandomize_each_iteration: whether each iteration makes other choices.

        Returns:
          A `Dataset`.

        Raises:
          ValueError: there are no datasets, or their number differs from that of the weights.
        """
        if not datasets:
            raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
        count = len(datasets)
        is_dataset = isinstance(weights, Sampling)
        if isinstance(weights, Tensor):
            weight_count = weights.shape[0] if weights.shape.rank else None
        else:
            weight_count = len(weights) if hasattr(weights, "__len__") and not is_dataset else None
        if weight_count not in (None, count):
            raise ValueError(
                "Invalid `weights`. `weights` should have the same length as `datasets` but got "
                f"`len(weights)={weight_count}` vs. `len(datasets)={count}`."
            )
        if isinstance(weights, (list, tuple, np.ndarray)):
            # Drop datasets with weight 0, so that the iteration does not wait for their end.
            kept = [(d, w) for d, w in zip(datasets, weights, strict=True) if w > 0]
            if not kept:
                return datasets[0].take(0)
            datasets, weights = [d for d, _ in kept], [w for _, w in kept]
            count = len(datasets)
        if count == 1:
            return datasets[0]
        draws = cls.random(seed=seed, rerandomize_each_iteration=rerandomize_each_iteration).batch(
            2
        )
        if is_dataset:
            chosen = cls.zip((weights, draws)).map(
                lambda part, pair: _choice(_logits(part, count), pair)
            )
        else:
            logits = _logits(np.ones(count, np.float32) if weights is None else weights, count)
            chosen = draws.map(lambda pair: _choice(logits, pair))
        return directed(chosen, list(datasets), stop_on_empty_dataset)

    @staticmethod
    @shortening
    def choose_from_datasets(
        datasets: Sequence[Any], choice_dataset: Any, stop_on_empty_dataset: bool = True
    ) -> Any:
        """Returns elements of several datasets, in the order that a dataset of indices says.

        Args:
          datasets: a list of datasets with elements of one structure.
          choice_dataset: a dataset of int64 scalars.
          stop_on_empty_dataset: whether the end of any dataset is the end.

        Returns:
          A `Dataset`.

        Raises:
          ValueError: there are no datasets.
          TypeError: `choice_dataset` has other elements.
        """
        if not datasets:
            raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
        if not hasattr(choice_dataset, "element_spec"):
            raise TypeError(
                "Invalid `choice_dataset`. `choice_dataset` should be a `tf.data.Dataset` but is "
                f"{type(choice_dataset)}."
            )
        spec = choice_dataset.element_spec
        if not (
            isinstance(spec, TensorSpec) and spec.dtype is dtypes.int64 and spec.shape.rank == 0
        ):
            raise TypeError(
                "Invalid `choice_dataset`. Elements of `choice_dataset` must be scalar `tf.int64` "
                f"tensors but are {spec}."
            )
        return directed(choice_dataset, list(datasets), stop_on_empty_dataset)

    @shortening
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
        """Returns batches of elements of similar length.

        Args:
          element_length_func: a function of an element that returns its length, an int32 scalar.
          bucket_boundaries: the upper bounds of the lengths of each bucket but the last,
            ascending.
          bucket_batch_sizes: the batch size of each bucket, one more than boundaries.
          padded_shapes: as for `padded_batch`.
          padding_values: as for `padded_batch`.
          pad_to_bucket_boundary: whether elements are padded to the boundary, not to the longest
            in the batch.
          no_padding: whether elements of a bucket need no padding.
          drop_remainder: whether smaller last batches are left out.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          ValueError: there are not as many batch sizes.
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

    @shortening
    def rejection_resample(
        self,
        class_func: Callable[..., Any],
        target_dist: Any,
        initial_dist: Any = None,
        seed: Any = None,
        name: str | None = None,
    ) -> Any:
        """Returns pairs of class and element. Some are dropped to reach a distribution of classes.

        Args:
          class_func: a function of an element that returns its class, an int32 scalar.
          target_dist: the probability of each class in the result.
          initial_dist: the probability of each class now; None estimates it on the way.
          seed: a Python integer that, with the global seed, determines the choices.
          name: a name for the operation.

        Returns:
          A `Dataset`.
        """
        return resampled(self, class_func, target_dist, initial_dist, seed, name)


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
    """Return a dataset that takes each element from the dataset that `selector` chooses.

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
        **structure.attributes(spec),
        stop_on_empty_dataset=stop_on_empty,
    )
    return datasets[0]._derived("_DirectedInterleaveDataset", variant, spec, selector, *datasets)


def resampled(
    dataset: Any,
    class_func: Callable[..., Any],
    target_dist: Any,
    initial_dist: Any,
    seed: Any,
    name: str | None,
) -> Any:
    """The dataset of (class, element); see `Dataset.rejection_resample`.

    With initial probabilities p and targets t, let r = t / p. Accepting a fraction min(r) of all elements, and of the rest
    those of class i with probability (r_i - min(r)) / (max(r) - min(r)), drops as few as possible.
    """
    target: Any = convert_to_tensor(target_dist, dtype=dtypes.float32)

    def classified(*parts: Any) -> Any:
        return class_func(*parts), parts if len(parts) > 1 else parts[0]

    if initial_dist is not None:
        initial: Any = convert_to_tensor(initial_dist, dtype=dtypes.float32)
        chances = dataset.from_tensors(_chances(initial, target)).repeat(name=name)
        as_they_come = float(np.min(target.numpy() / initial.numpy())) if _known(initial) else None
    else:
        shares = _estimated(dataset.map(class_func, name=name), int(target.shape[0]), name)
        chances = shares.map(lambda share: _chances(share, target), name=name)
        as_they_come = None
    everything = dataset.map(classified, name=name)
    if as_they_come == 1:
        return everything

    def with_chance(chance: Any, parts: Any) -> Any:
        kind, element = classified(*(parts if isinstance(parts, tuple) else (parts,)))
        return kind, raw.GatherV2(params=chance[0], indices=kind, axis=0), element

    kept = dataset.zip((chances, dataset)).map(with_chance, name=name)
    kept = kept.filter(lambda _kind, chance, _element: uniform([], seed=seed) < chance, name=name)
    kept = kept.map(lambda kind, _chance, element: (kind, element), name=name).prefetch(3)
    if as_they_come == 0:
        return kept
    weights = chances.map(lambda _chances, share: raw.Pack(values=[share, 1.0 - share]))
    return dataset.sample_from_datasets(
        [everything, kept], weights=weights, seed=seed, stop_on_empty_dataset=True
    )


def _known(tensor: Any) -> bool:
    return hasattr(tensor, "numpy")


def _chances(initial: Any, target: Any) -> Any:
    """The acceptance probability of each class, and the fraction of elements accepted unconditionally."""
    ratio = target / (initial + np.float32(np.finfo(np.float32).tiny))
    least, most = raw.Min(input=ratio, axis=[0]), raw.Max(input=ratio, axis=[0])
    return (ratio - least) / (most - least), least


def _estimated(classes: Any, count: int, name: str | None) -> Any:
    """The estimated class distribution at each element."""

    def counted(seen: Any, batch: Any) -> Any:
        hot = raw.OneHot(indices=batch, depth=count, on_value=np.int64(1), off_value=np.int64(0))
        seen = seen + raw.Sum(input=hot, axis=[0])
        wide = raw.Cast(x=seen, DstT=dtypes.float64)
        share = raw.Cast(x=wide / raw.Sum(input=wide, axis=[0]), DstT=dtypes.float32)
        rows = raw.Tile(input=raw.ExpandDims(input=share, axis=0), multiples=[_AT_ONCE, 1])
        return seen, rows

    start = np.full(count, _SEEN, np.int64)
    return classes.batch(_AT_ONCE, name=name).scan(start, counted, name=name).unbatch(name=name)
