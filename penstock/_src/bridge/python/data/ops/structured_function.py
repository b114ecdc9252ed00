"""Functions of elements."""

from collections.abc import Callable
from typing import Any

from penstock._src.bridge.python.data.util import structure
from penstock._src.data.traced import trace


class Captured:
    """A graph function with the tensors that it captured."""

    def __init__(self, graph_function: Any, captured_inputs: list[Any]) -> None:
        self.graph_function, self.captured_inputs = graph_function, captured_inputs

    def __getattr__(self, name: str) -> Any:
        return getattr(self.graph_function, name)


class StructuredFunctionWrapper:
    """A function of elements, traced."""

    def __init__(
        self,
        func: Callable[..., Any],
        transformation_name: str,
        dataset: Any = None,
        input_classes: Any = None,
        input_shapes: Any = None,
        input_types: Any = None,
        input_structure: Any = None,
        add_to_graph: bool = True,
        use_legacy_function: bool = False,
        defun_kwargs: Any = None,
    ) -> None:
        legacy = (input_types, input_shapes, input_classes)
        sources = [dataset is not None, input_structure is not None, legacy != (None, None, None)]
        if sum(sources) != 1 or (sources[2] and None in legacy):
            raise ValueError(
                "Either `dataset`, `input_structure`, or all of `input_classes`, `input_shapes`, and "
                "`input_types` must be specified."
            )
        if dataset is not None:
            input_structure = dataset.element_spec
        elif input_structure is None:
            input_structure = structure.convert_legacy_structure(*legacy)
        self._func = func
        self._traced = trace(func, input_structure, transformation_name)
        self._input_structure = input_structure

    @property
    def output_structure(self) -> Any:
        """The structure of TypeSpecs of the results."""
        return self._traced.output_spec

    @property
    def output_classes(self) -> Any:
        """The classes of the results."""
        return structure.nest.map_structure(lambda s: s.value_type, self.output_structure)

    @property
    def output_shapes(self) -> Any:
        """The shapes of the results."""
        return structure.nest.map_structure(lambda s: s.shape, self.output_structure)

    @property
    def output_types(self) -> Any:
        """The dtypes of the results."""
        return structure.nest.map_structure(lambda s: s.dtype, self.output_structure)

    @property
    def function(self) -> Captured:
        """The graph function."""
        return Captured(self._traced.function, self._traced.captured)
