"""Embedding tables for TPUs: created, saved in checkpoints and looked up on the CPU, as for serving."""

from typing import Any

from penstock._src.api.nn.embedding import embedding_lookup, safe_embedding_lookup_sparse
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.distribute.current import get_strategy
from penstock._src.distribute.tpu.tables import FeatureConfig, TableConfig
from penstock._src.eager.context import init_scope
from penstock._src.eager.variable import Variable
from penstock._src.util import nest
from penstock._src.util.export import export

_PACKAGE = "tpu.experimental.embedding"


@export(f"{_PACKAGE}.serving_embedding_lookup")
def serving_embedding_lookup(inputs: Any, weights: Any, tables: Any, feature_config: Any) -> Any:
    """Looks features up in their tables, with ordinary ops.

    Args:
      inputs: a structure of tensors, SparseTensors and RaggedTensors of ids.
      weights: weights of the ids in the same structure, or None.
      tables: {TableConfig: table}.
      feature_config: FeatureConfigs in the same structure.

    Returns:
      A float tensor for each feature: [batch, columns]; for a sequence [batch, max_sequence_length,
      columns]; for a dense input [*input shape, columns].

    Raises:
      ValueError: a dense input or sequence has weights.
    """
    nest.assert_same_structure(inputs, feature_config, expand_composites=False)
    ids = nest.flatten(inputs, expand_composites=False)
    features = nest.flatten(feature_config)
    if weights is None:
        weights_of_ids = [None] * len(ids)
    else:
        weights_of_ids = _aligned(inputs, weights)
    activations = [
        _lookup(one, weight, tables[feature.table], feature)
        for one, weight, feature in zip(ids, weights_of_ids, features, strict=True)
    ]
    return nest.pack_sequence_as(feature_config, activations)


def _aligned(inputs: Any, weights: Any) -> list[Any]:
    """The weights in the inputs' structure; a branch of the weights may be None."""
    if isinstance(inputs, dict):
        parts = [_aligned(inputs[k], (weights or {}).get(k)) for k in sorted(inputs)]
        return [w for part in parts for w in part]
    if isinstance(inputs, (list, tuple)):
        branches = weights if weights is not None else [None] * len(inputs)
        return [w for i, o in zip(inputs, branches, strict=True) for w in _aligned(i, o)]
    return [weights]


def _lookup(ids: Any, weights: Any, table: Any, feature: FeatureConfig) -> Any:
    length = feature.max_sequence_length
    if isinstance(ids, (SparseTensor, RaggedTensor)):
        if length > 0:
            if weights is not None:
                raise ValueError(f"Weights of a sequence are not supported. Received {weights!r}.")
            return _sequence(ids, table, length)
        sparse, of_ids = (_sparse(value) for value in (ids, weights))
        return safe_embedding_lookup_sparse(table, sparse, of_ids, combiner=feature.table.combiner)
    if weights is not None:
        raise ValueError(f"Weight specified for {feature.name}, but input is not sparse or ragged.")
    return embedding_lookup(table, convert_to_tensor(ids))


def _sparse(value: Any) -> Any:
    return value.to_sparse() if isinstance(value, RaggedTensor) else value


def _sequence(ids: Any, table: Any, length: int) -> Any:
    """The rows of the first `length` ids of each sample, then zeros."""
    if isinstance(ids, SparseTensor):
        ids = RaggedTensor.from_sparse(ids)
    rows = ids.with_values(embedding_lookup(table, ids.values))
    columns = convert_to_tensor(table).shape[-1]
    return rows.to_tensor(shape=[None, length, columns])


class TPUEmbeddingBase(AutoTrackable):
    """Tables for the features of a structure; features that share a TableConfig share the table."""

    def __init__(self, feature_config: Any, optimizer: Any) -> None:
        super().__init__()
        self._feature_config = feature_config
        self._configs: list[TableConfig] = []
        for feature in nest.flatten(feature_config):
            _ = feature.output_shape
            if feature.table not in self._configs:
                self._configs.append(feature.table)
        for number, config in enumerate(self._configs):
            config.name = config.name or f"table_{number}"
            config.optimizer = config.optimizer or optimizer
        names = [config.name for config in self._configs]
        if len(set(names)) != len(names):
            raise ValueError(f"Tables must have different names. Received {names}.")
        self._variables: dict[str, Any] | None = None

    def build(self) -> None:
        """Creates the tables if they do not exist."""
        if self._variables is None:
            with init_scope():
                self._variables = {config.name: _table(config) for config in self._configs}

    @property
    def embedding_tables(self) -> dict[TableConfig, Any]:
        """{TableConfig: table}."""
        self.build()
        assert self._variables is not None
        return {config: self._variables[config.name] for config in self._configs}

    def __call__(self, features: Any, weights: Any = None) -> Any:
        """Looks features up; see `serving_embedding_lookup`."""
        return self.embedding_lookup(features, weights)

    def embedding_lookup(self, features: Any, weights: Any = None) -> Any:
        """Looks features up; see `serving_embedding_lookup`.

        Args:
          features: a structure of ids: tensors, SparseTensors or RaggedTensors.
          weights: of the ids, in the same structure; None for 1.

        Returns:
          A structure of tensors.
        """
        tables = self.embedding_tables
        return serving_embedding_lookup(features, weights, tables, self._feature_config)


def _table(config: TableConfig) -> Any:
    shape = (config.vocabulary_size, config.dim)
    return Variable(
        lambda: config.initializer(shape, dtype=config.dtype), name=config.name, dtype=config.dtype
    )


@export(f"{_PACKAGE}.TPUEmbeddingForServing")
class TPUEmbeddingForServing(TPUEmbeddingBase):
    """Tables that are looked up on the CPU.

    Args:
      feature_config: FeatureConfigs in a structure.
      optimizer: the optimizer that trained the tables; its slots are not kept.
      experimental_sparsecore_restore_info: how tables are stacked in a checkpoint.

    Raises:
      UnimplementedError: tables are stacked.
    """

    def __init__(
        self,
        feature_config: Any,
        optimizer: Any,
        experimental_sparsecore_restore_info: Any = None,
    ) -> None:
        if experimental_sparsecore_restore_info is not None:
            raise UnimplementedError(
                "TPUEmbeddingForServing: tables in the layout of sparse cores are not implemented."
            )
        super().__init__(feature_config, optimizer)

    @property
    def variables(self) -> dict[str, dict[str, Any]]:
        """{table: {"parameters": its variable}}."""
        tables = self.embedding_tables
        return {str(config.name): {"parameters": table} for config, table in tables.items()}


@export(f"{_PACKAGE}.TPUEmbedding")
class TPUEmbedding(TPUEmbeddingBase):
    """Tables that TPUs train; without a TPUStrategy they are only stored, as for serving.

    Args:
      feature_config: a structure of `FeatureConfig`s.
      optimizer: for tables without one of their own; None: these are not trained.
      pipeline_execution_with_tensor_core: accepted.
    """

    def __init__(
        self,
        feature_config: Any,
        optimizer: Any,
        pipeline_execution_with_tensor_core: bool = False,
    ) -> None:
        super().__init__(feature_config, optimizer)

    def build(
        self, per_replica_input_shapes: Any = None, per_replica_batch_size: int | None = None
    ) -> None:
        """Creates the tables if they do not exist.

        Args:
          per_replica_input_shapes, per_replica_batch_size: accepted.
        """
        super().build()

    def enqueue(
        self,
        features: Any,
        weights: Any = None,
        training: bool = True,
        name: str | None = None,
        device: str | None = None,
    ) -> None:
        """Sends ids to a TPU.

        Args:
          features, weights, training, name, device: what would be sent.

        Raises:
          RuntimeError: there is no TPUStrategy.
        """
        raise _needs_strategy("enqueue")

    def dequeue(self, name: str | None = None) -> Any:
        """Receives embeddings from a TPU.

        Args:
          name: of the operation.

        Raises:
          RuntimeError: there is no TPUStrategy.
        """
        raise _needs_strategy("dequeue")

    def apply_gradients(self, gradients: Any, name: str | None = None) -> None:
        """Trains the tables on a TPU.

        Args:
          gradients: of the embeddings.
          name: of the operation.

        Raises:
          RuntimeError: there is no TPUStrategy.
        """
        raise _needs_strategy("apply_gradients")


def _needs_strategy(method: str) -> RuntimeError:
    return RuntimeError(
        f"{method} is not valid when TPUEmbedding object is not created under a TPUStrategy."
    )


class _OnTPU(TPUEmbeddingBase):
    """Tables that exist only on TPUs."""

    def __init__(self, feature_config: Any, optimizer: Any = None) -> None:
        raise RuntimeError(
            f"{type(self).__name__} should be created under TPUStrategy but found {get_strategy()}."
        )


@export(f"{_PACKAGE}.TPUEmbeddingV0")
class TPUEmbeddingV0(_OnTPU):
    """Tables of TPUs that have no embedding hardware.

    Args:
      feature_config: a structure of `FeatureConfig`s.
      optimizer: for tables without one of their own.

    Raises:
      RuntimeError: there is no TPUStrategy.
    """

    def __init__(self, feature_config: Any, optimizer: Any) -> None:
        super().__init__(feature_config, optimizer)


@export(f"{_PACKAGE}.TPUEmbeddingV2")
class TPUEmbeddingV2(_OnTPU):
    """Tables of TPUs with sparse cores.

    Args:
      feature_config: a structure of `FeatureConfig`s.
      optimizer: for tables without one of their own.
      pipeline_execution_with_tensor_core: accepted.
      sparse_core_embedding_config: a `SparseCoreEmbeddingConfig`.

    Raises:
      RuntimeError: there is no TPUStrategy.
    """

    DEFAULT_MAX_IDS_PER_TABLE = 256
    DEFAULT_MAX_UNIQUE_IDS_PER_TABLE = 256

    def __init__(
        self,
        feature_config: Any,
        optimizer: Any = None,
        pipeline_execution_with_tensor_core: bool = False,
        sparse_core_embedding_config: Any = None,
    ) -> None:
        super().__init__(feature_config, optimizer)

    @property
    def variables(self) -> Any:
        """The tables' variables."""
        raise _no_sparse_cores("variables")

    @property
    def embedding_layouts(self) -> Any:
        """Layouts of stacked tables."""
        raise _no_sparse_cores("embedding_layouts")

    @property
    def embedding_table_shards(self) -> Any:
        """The parts of the tables on each device."""
        raise _no_sparse_cores("embedding_table_shards")

    def enqueue(self, features: Any, weights: Any = None, device: str | None = None) -> Any:
        """Arranges ids for sparse cores.

        Args:
          features, weights, device: what would be arranged.

        Raises:
          UnimplementedError: always.
        """
        raise _no_sparse_cores("enqueue")

    def dequeue(self, partitioned_tensors: Any) -> Any:
        """Looks ids up on sparse cores.

        Args:
          partitioned_tensors: what `enqueue` returned.

        Raises:
          UnimplementedError: always.
        """
        raise _no_sparse_cores("dequeue")

    def apply_gradients(self, gradients: Any, preserved_outputs: Any) -> None:
        """Trains the tables on sparse cores.

        Args:
          gradients: of the embeddings.
          preserved_outputs: what `dequeue` kept.

        Raises:
          UnimplementedError: always.
        """
        raise _no_sparse_cores("apply_gradients")

    @classmethod
    def compute_sparse_core_stats(
        cls,
        features: Any,
        feature_config: Any,
        num_tpu_chips: int,
        num_sc_per_chip: int = 4,
        optimizer: Any = None,
        sparse_core_embedding_config: Any = None,
    ) -> Any:
        """Returns the space that ids need on sparse cores.

        Args:
          features, feature_config, num_tpu_chips, num_sc_per_chip, optimizer,
            sparse_core_embedding_config: of the tables.

        Raises:
          UnimplementedError: always.
        """
        raise _no_sparse_cores("compute_sparse_core_stats")


def _no_sparse_cores(name: str) -> UnimplementedError:
    return UnimplementedError(f"TPUEmbeddingV2.{name}: TPUs are not implemented.")
