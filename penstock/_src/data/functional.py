"""Methods of Dataset that apply a function: map, filter, interleave, reduce and others."""

import warnings
from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.data import structure
from penstock._src.data.experimental.debug_mode import DEBUG_MODE, parallel_calls
from penstock._src.data.traced import Traced, scalar_spec, trace, trace_state
from penstock._src.data.transforms import ORDER, Transforms, int64


class Functional(Transforms):
    """The methods of Dataset that take functions."""

    @shortening
    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        synchronous: bool | None = None,
        use_unbounded_threadpool: bool = False,
        name: str | None = None,
    ) -> Any:
        """Returns the results of a function for each element.

        The function is traced once into a graph, like a `tf.function`, and compiled.

        Args:
          map_func: a function of an element; the components of a tuple are arguments of their
            own.
          num_parallel_calls: the greatest number of calls at the same time; `tf.data.AUTOTUNE`
            chooses it.
          deterministic: whether results come in the order of the elements; by default, as the
            options say.
          synchronous: whether calls run one after another.
          use_unbounded_threadpool: a hint without effect: every step has as many threads as it
            makes calls.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          TypeError: the function returns what no dataset can hold.

        >>> list(tf.data.Dataset.range(3).map(lambda x: x + 1).as_numpy_iterator())
        [np.int64(1), np.int64(2), np.int64(3)]
        """
        num_parallel_calls = parallel_calls(num_parallel_calls)
        _check_order(num_parallel_calls, deterministic)
        traced = trace(map_func, self.element_spec, "Map")
        return _mapped(self, traced, num_parallel_calls, deterministic, synchronous, name)

    @shortening
    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Any:
        """Returns the elements for which a function is True.

        Args:
          predicate: a function of an element that returns a bool scalar.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          ValueError: it returns something else.
        """
        traced = trace(predicate, self.element_spec, "Filter")
        _check_predicate(traced)
        return self._same("FilterDataset", traced.captured, predicate=traced.function, name=name)

    @shortening
    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Any:
        """Returns the elements up to the first for which a function is False.

        Args:
          predicate: a function of an element that returns a bool scalar.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          ValueError: it returns something else.
        """
        traced = trace(predicate, self.element_spec, "TakeWhile")
        _check_predicate(traced)
        return self._same("TakeWhileDataset", traced.captured, predicate=traced.function, name=name)

    @shortening
    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Any:
        """Returns the elements of all datasets that a function makes of the elements, in order.

        Args:
          map_func: a function of an element that returns a dataset.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          TypeError: it returns something else.
        """
        traced = trace(map_func, self.element_spec, "FlatMap")
        spec = _made_datasets(traced, "map_func")
        return self._of("FlatMapDataset", spec, traced.captured, f=traced.function, name=name)

    @shortening
    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: Any = None,
        block_length: Any = None,
        num_parallel_calls: Any = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Any:
        """Returns elements in turn from several of the datasets that a function makes of the elements.

        Args:
          map_func: a function of an element that returns a dataset.
          cycle_length: the number of datasets that are open at the same time; by default the
            number of threads.
          block_length: how many elements in a row come from one dataset; 1 by default.
          num_parallel_calls: how many of the open datasets compute at the same time;
            `tf.data.AUTOTUNE` gives a thread to each that is slow.
          deterministic: whether elements come in that order; by default, as the options say.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          TypeError: the function returns something else.
        """
        num_parallel_calls = parallel_calls(num_parallel_calls)
        _check_order(num_parallel_calls, deterministic)
        traced = trace(map_func, self.element_spec, "Interleave")
        spec = _made_datasets(traced, "map_func")
        cycle = int64(-1 if cycle_length is None else cycle_length, "cycle_length")
        block = int64(1 if block_length is None else block_length, "block_length")
        if num_parallel_calls is None:
            return self._of(
                "InterleaveDataset",
                spec,
                traced.captured,
                cycle,
                block,
                f=traced.function,
                name=name,
            )
        return self._of(
            "ParallelInterleaveDatasetV4",
            spec,
            traced.captured,
            cycle,
            block,
            int64(-1),
            int64(-1),
            int64(num_parallel_calls, "num_parallel_calls"),
            f=traced.function,
            deterministic=ORDER[deterministic],
            kind="_ParallelInterleaveDataset",
            name=name,
        )

    @shortening
    def reduce(
        self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None
    ) -> Any:
        """Returns what a function accumulates over all elements.

        Args:
          initial_state: what to begin with, a structure of tensors.
          reduce_func: a function of the state and an element that returns the next state, in the
            same structure and dtypes.
          name: a name for the operation.

        Returns:
          The last state.

        Raises:
          TypeError: the states differ in structure or dtype.

        >>> tf.data.Dataset.range(5).reduce(np.int64(0), lambda total, x: total + x).numpy()
        np.int64(10)
        """
        state = structure.normalize(initial_state)
        spec, traced = trace_state(
            structure.spec_of(state), reduce_func, "Reduce", self.element_spec
        )
        results = raw.ReduceDataset(
            self._variant_tensor,
            structure.to_tensors(spec, state),
            traced.captured,
            f=traced.function,
            **structure.attributes(spec),
            name=name,
        )
        return structure.from_tensors(spec, results)

    @shortening
    def scan(
        self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None
    ) -> Any:
        """Returns what a function makes of the elements and a state that it passes on.

        Args:
          initial_state: what to begin with, a structure of tensors.
          scan_func: a function of the state and an element that returns the next state and an
            output.
          name: a name for the operation.

        Returns:
          A `Dataset` of the outputs.

        Raises:
          TypeError: the function returns something else, or states differ.
        """
        state = structure.normalize(initial_state)
        spec, traced = trace_state(
            structure.spec_of(state), scan_func, "Scan", self.element_spec, with_output=True
        )
        tensors = structure.to_tensors(spec, state)
        spec = traced.output_spec[1]
        return self._of(
            "ScanDataset",
            spec,
            tensors,
            traced.captured,
            f=traced.function,
            preserve_cardinality=True,
            name=name,
        )

    @shortening
    def group_by_window(
        self,
        key_func: Callable[..., Any],
        reduce_func: Callable[..., Any],
        window_size: Any = None,
        window_size_func: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> Any:
        """Returns the elements of datasets made of windows of elements with the same key.

        Args:
          key_func: a function of an element that returns its key, an int64 scalar.
          reduce_func: a function of a key and a window, a dataset, that returns a dataset.
          window_size: the greatest number of elements of a window.
          window_size_func: a function of a key that returns that number, instead of
            `window_size`.
          name: a name for the operation.

        Returns:
          A `Dataset`.

        Raises:
          ValueError: not exactly one of `window_size` and `window_size_func` is given.
        """
        if (window_size is None) == (window_size_func is None):
            raise ValueError(
                "Either the `window_size` argument or the `window_size_func` argument must be specified."
            )
        if window_size_func is None:
            size = int64(window_size, "window_size")

            def window_size_func(_key: Any) -> Any:
                return size

        key = trace(
            lambda *parts: int64_of(key_func(*parts), "key_func"), self.element_spec, "GroupByKey"
        )
        number = scalar_spec(dtypes.int64)
        window = self._spec_of_datasets(self.element_spec)
        reduce = trace(reduce_func, number, "GroupByReduce", window)
        spec = _made_datasets(reduce, "reduce_func")
        sizes = trace(
            lambda k: int64_of(window_size_func(k), "window_size_func"), number, "GroupBySize"
        )
        return self._of(
            "GroupByWindowDataset",
            spec,
            key.captured,
            reduce.captured,
            sizes.captured,
            key_func=key.function,
            reduce_func=reduce.function,
            window_size_func=sizes.function,
            name=name,
        )


def _check_order(num_parallel_calls: Any, deterministic: bool | None) -> None:
    if num_parallel_calls is None and deterministic is not None and not DEBUG_MODE.is_enabled:
        warnings.warn(
            "The `deterministic` argument has no effect unless the `num_parallel_calls` argument is "
            "specified.",
            stacklevel=3,
        )


def int64_of(value: Any, function: str) -> Any:
    """The result of a function of the user, as int64.

    Raises:
      ValueError: it is not an int64 scalar.
    """
    tensor = convert_to_tensor(value, dtypes.int64)
    if tensor.shape.rank not in (0, None):
        raise ValueError(
            f"Invalid `{function}`. `{function}` must return a single `tf.int64` scalar tensor but its return type "
            f"is {TensorSpec(tensor.shape, tensor.dtype)!r}."
        )
    return tensor


def _mapped(
    dataset: Any,
    traced: Traced,
    width: Any,
    deterministic: bool | None,
    synchronous: bool | None,
    name: str | None,
) -> Any:
    if not structure.flat_specs(traced.output_spec):
        raise InvalidArgumentError(
            "Length for attr 'output_types' of 0 must be at least minimum 1: the function passed to "
            f"Dataset.map() returns no tensor. Its return type is {traced.output_spec!r}."
        )
    if width is None or synchronous:
        return dataset._of(
            "MapDataset",
            traced.output_spec,
            traced.captured,
            f=traced.function,
            preserve_cardinality=True,
            force_synchronous=bool(synchronous),
            name=name,
        )
    return dataset._of(
        "ParallelMapDatasetV2",
        traced.output_spec,
        traced.captured,
        int64(width, "num_parallel_calls"),
        f=traced.function,
        deterministic=ORDER[deterministic],
        preserve_cardinality=True,
        kind="_ParallelMapDataset",
        name=name,
    )


def interleaved_by_threads(
    dataset: Any, map_func: Callable[..., Any], cycle_length: Any, block_length: Any, sloppy: Any
) -> Any:
    """Returns the elements in turn of the datasets that a function returns; one that cannot be opened has its turn too.

    Args:
      dataset: the elements that the function takes.
      map_func: of an element: returns a dataset.
      cycle_length: how many are open at once.
      block_length: how many elements in a row come from one.
      sloppy: whether one whose element is not ready is passed over; None: as the options say.
    """
    traced = trace(map_func, dataset.element_spec, "Interleave")
    return dataset._of(
        "LegacyParallelInterleaveDatasetV2",
        _made_datasets(traced, "map_func"),
        traced.captured,
        int64(cycle_length, "cycle_length"),
        int64(block_length, "block_length"),
        int64(2 * block_length),
        int64(2 * cycle_length),
        f=traced.function,
        deterministic=ORDER[None if sloppy is None else not sloppy],
        kind="_ParallelInterleaveDataset",
    )


def _check_predicate(traced: Traced) -> None:
    spec = traced.output_spec
    good = isinstance(spec, TensorSpec) and spec.dtype is dtypes.bool_
    if not good or spec.shape.rank not in (0, None):
        raise ValueError(
            "Invalid `predicate`. `predicate` must return a `tf.bool` scalar tensor but its "
            f"return type is {spec}."
        )


def _made_datasets(traced: Traced, parameter: str) -> Any:
    """The structure of the elements of the datasets that a function returns."""
    spec = traced.output_spec
    if type(spec).__name__ != "DatasetSpec":
        raise TypeError(f"The `{parameter}` argument must return a `Dataset` object. Got {spec!r}.")
    return spec.element_spec
