"""Datasets of tf.train.Example messages."""

from collections.abc import Callable, Mapping
from typing import Any

from penstock._src.api.io.parsing import parse_example
from penstock._src.core import dtypes
from penstock._src.core.specs import TensorSpec
from penstock._src.data.dataset import Dataset
from penstock._src.data.options import AUTOTUNE
from penstock._src.data.readers import TFRecordDataset
from penstock._src.util.export import export


@export("data.experimental.parse_example_dataset")
def parse_example_dataset(
    features: Any, num_parallel_calls: Any = 1, deterministic: bool | None = None
) -> Callable[[Dataset], Dataset]:
    """Returns the transformation of vectors of serialized Examples into dicts of tensors.

    Args:
      features: {name: FixedLenFeature, VarLenFeature, ...}.
      num_parallel_calls: the number of vectors to parse in parallel.
      deterministic: whether to preserve the order.

    Returns:
      A function for `Dataset.apply`.

    Raises:
      ValueError: there are no features.
      TypeError (when applied): the elements are not vectors of strings.
    """
    if features is None:
        raise ValueError("Argument `features` is required, but not specified.")

    def apply(dataset: Dataset) -> Dataset:
        spec = dataset.element_spec
        if not TensorSpec([None], dtypes.string).is_compatible_with(spec):
            raise TypeError(
                f"Input dataset should be a dataset of vectors of strings. Instead it is `{spec}`."
            )
        return dataset.map(
            lambda vector: parse_example(vector, features),
            num_parallel_calls=num_parallel_calls,
            deterministic=deterministic,
        )

    return apply


@export("data.experimental.make_batched_features_dataset")
def make_batched_features_dataset(
    file_pattern: Any,
    batch_size: int,
    features: Mapping[str, Any],
    reader: Any = None,
    label_key: str | None = None,
    reader_args: Any = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: int | None = None,
    reader_num_threads: int | None = None,
    parser_num_threads: int | None = None,
    sloppy_ordering: bool = False,
    drop_final_batch: bool = False,
) -> Dataset:
    """Returns the dataset of batches of parsed Examples of files: dicts of features, or (dict, label).

    Args:
      file_pattern: names or patterns of the files.
      batch_size: Examples in a batch.
      features: what to parse; see `tf.io.parse_example`.
      reader: makes a dataset of strings from a file name; TFRecordDataset by default.
      label_key: the feature to return as the label.
      reader_args: additional arguments of the reader.
      num_epochs: the number of passes over the files; infinite by default.
      shuffle: whether to shuffle the Examples.
      shuffle_buffer_size, shuffle_seed: parameters of shuffling.
      prefetch_buffer_size: the number of batches to prefetch.
      reader_num_threads, parser_num_threads: the numbers of files and batches to process in
        parallel.
      sloppy_ordering: whether the order may depend on timing.
      drop_final_batch: whether to drop a partial last batch.

    Returns:
      A Dataset.

    Raises:
      ValueError: `label_key` is not a feature.
    """
    if label_key is not None and label_key not in features:
        raise ValueError(
            f"The `label_key` provided ({label_key}) must be one of the `features` keys: "
            f"{features.keys()}."
        )
    if isinstance(reader, type) and not issubclass(reader, Dataset):
        raise TypeError(
            "The `reader` argument must return a `Dataset` object. `tf.ReaderBase` subclasses are not "
            "supported."
        )
    reader, arguments = reader or TFRecordDataset, list(reader_args or ())
    files = Dataset.list_files(file_pattern, shuffle=shuffle, seed=shuffle_seed)
    dataset = files.interleave(
        lambda name: reader(name, *arguments),
        cycle_length=reader_num_threads or 1,
        num_parallel_calls=reader_num_threads,
        deterministic=not sloppy_ordering if reader_num_threads else None,
    )
    if isinstance(dataset.element_spec, tuple):
        # For a reader of (key, value) pairs, the values are the Examples.
        dataset = dataset.map(lambda *parts: parts[1])
    if shuffle:
        dataset = dataset.shuffle(shuffle_buffer_size, shuffle_seed)
    dataset = dataset.repeat(num_epochs)
    dataset = dataset.batch(batch_size, drop_remainder=drop_final_batch or num_epochs is None)
    parse = parse_example_dataset(dict(features), num_parallel_calls=parser_num_threads or AUTOTUNE)
    dataset = dataset.apply(parse)
    if label_key is not None:
        dataset = dataset.map(lambda parsed: _apart(parsed, label_key))
    return dataset.prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)


def _apart(parsed: dict[str, Any], key: str) -> tuple[dict[str, Any], Any]:
    rest = {name: value for name, value in parsed.items() if name != key}
    return rest, parsed[key]
