"""Base classes of datasets that users define."""

from typing import Any

from penstock._src.bridge.internals.datasets import MadeBy
from penstock._src.core.registry import raw
from penstock._src.data import options as options_lib
from penstock._src.data.dataset import DatasetV2, derived
from penstock._src.proto import dataset as messages

from .structured_function import StructuredFunctionWrapper

__all__ = ["StructuredFunctionWrapper", "options_lib"]
COMPRESSION_GZIP = "GZIP"
COMPRESSION_SNAPPY = "NONE"
DATASET_SPEC_FILENAME = "dataset_spec.pb"


class DatasetSource(DatasetV2):
    """A dataset without inputs."""


class UnaryDataset(DatasetV2):
    """A dataset made of another one."""

    def __init__(self, input_dataset: Any, variant_tensor: Any) -> None:
        self._input_dataset = input_dataset
        super().__init__(variant_tensor)

    def _inputs(self) -> list[Any]:
        return [self._input_dataset]


class UnaryUnchangedStructureDataset(UnaryDataset):
    """A dataset made of another one with elements of the same structure."""

    @property
    def element_spec(self) -> Any:
        """The structure of TypeSpecs of the elements."""
        return self._input_dataset.element_spec


class _VariantDataset(metaclass=MadeBy):
    """Datasets of variant tensors."""

    def __new__(cls, dataset_variant: Any, element_spec: Any) -> Any:
        """Returns the dataset of a variant tensor."""
        return derived("_VariantDataset", dataset_variant, element_spec)


class _RestructuredDataset(metaclass=MadeBy):
    """Datasets whose flat tensors make elements of another structure."""

    def __new__(cls, dataset: Any, element_spec: Any) -> Any:
        """Returns the dataset with elements of the given structure."""
        return derived("_RestructuredDataset", dataset._variant_tensor, element_spec, dataset)


class _OptionsDataset(metaclass=MadeBy):
    """Datasets with options."""

    def __new__(cls, input_dataset: Any, options: Any, name: str | None = None) -> Any:
        """Returns the dataset with options."""
        return input_dataset.with_options(options, name)


def apply_rewrite(dataset: Any, rewrite: str) -> Any:
    """Returns a dataset to which a rewrite was applied."""
    variant = raw.RewriteDataset(
        input_dataset=dataset._variant_tensor, rewrite_name=rewrite, **dataset._flat_structure
    )
    return derived("_VariantDataset", variant, dataset.element_spec)


def _validate_and_encode(name: str) -> bytes:
    if not name.isidentifier():
        raise ValueError(
            f"Invalid `name`. The argument `name` needs to be a valid identifier. {name}"
        )
    return messages.Metadata(name=name.encode()).SerializeToString()
