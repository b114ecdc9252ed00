"""Private modules of TensorFlow whose internal names stand in modules of ours that have other uses as well.

A path below `tensorflow` has a list of sources, tried in order:

    "name=target"     one name; the target is `tf...` or `@module.path:attribute`
    "@module.path"    all names of a module of penstock._src
    "tf.math"         all names of a public namespace
    "std:module"      all names of a module of Python's own library

Names that are public symbols in TensorFlow need no row: `private_paths.txt` has them. Modules that exist for this
path alone stand at the same path below `bridge/`.

Nothing is imported here but Python's own library: the distribution that stands for TensorFlow is built where nothing else is.
"""

from __future__ import annotations

import functools
import gzip
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent
# Modules of ours at TensorFlow's paths are below it.
BRIDGE = FOLDER.parent
PATHS: dict[str, str] = {
    "compiler.tf2tensorrt._pywrap_py_utils": (
        "get_loaded_tensorrt_version=@api.config.build:get_linked_tensorrt_version @api.config.build"
    ),
    "compiler.tf2xla.python.xla": "@api.xla_ops",
    "compiler.xla.xla_data_pb2": "@proto.layout",
    "core.example.example_pb2": "@proto.example",
    "core.example.feature_pb2": "@proto.example",
    "core.framework.attr_value_pb2": "@proto.graph",
    "core.framework.dataset_options_pb2": "@proto.dataset",
    "core.framework.device_attributes_pb2": "@proto.stats @proto.config",
    "core.framework.full_type_pb2": "@proto.graph @proto.graph:FullTypeId",
    "core.framework.function_pb2": "@proto.graph",
    "core.framework.graph_debug_info_pb2": "@proto.graph",
    "core.framework.graph_pb2": "@proto.graph",
    "core.framework.node_def_pb2": "@proto.graph",
    "core.framework.kernel_def_pb2": "@proto.graph",
    "core.framework.op_def_pb2": "@proto.graph",
    "core.framework.step_stats_pb2": "@proto.stats",
    "core.framework.summary_pb2": "@proto.event",
    "core.framework.tensor_pb2": "@proto.tensor",
    "core.framework.tensor_shape_pb2": "@proto.tensor",
    "core.framework.types_pb2": "@proto.tensor",
    "core.framework.variable_pb2": "@proto.saved",
    "core.framework.versions_pb2": "@proto.graph",
    "core.function.capture.capture_container": (
        "_EAGER_CONST_THRESHOLD=@graph.func_graph:SMALL_CONSTANT"
    ),
    "core.function.polymorphism.function_cache": (
        "FunctionCache=@bridge.python.eager.polymorphic_function.tracing_compilation:FunctionCache"
    ),
    "core.function.polymorphism.function_type": "@function.types.function_type",
    "core.function.trace_type": (
        "InternalTracingContext=@function.types.trace_types:TypeContext "
        "@bridge.core.function.trace_type @function.types.trace_types"
    ),
    "core.function.trace_type.default_types": "@function.types.trace_types",
    "core.function.trace_type.serialization": "@bridge.core.function.trace_type",
    "core.function.trace_type.trace_type_builder": (
        "InternalTracingContext=@function.types.trace_types:TypeContext "
        "@bridge.core.function.trace_type @function.types.trace_types"
    ),
    "core.lib.core.error_codes_pb2": "@proto.saved",
    "core.protobuf.cluster_pb2": "@proto.config",
    "core.protobuf.config_pb2": "@proto.config",
    "core.protobuf.debug_pb2": "@proto.config",
    "core.protobuf.device_properties_pb2": "@proto.stats",
    # Code that protoc generates for importers imports the module that defines the enum.
    "core.protobuf.error_codes_pb2": "@proto.saved xla_dot_tsl_dot_protobuf_dot_error__codes__pb2=@proto:saved",
    "core.protobuf.fingerprint_pb2": "@proto.saved",
    "core.protobuf.meta_graph_pb2": "@proto.saved",
    "core.protobuf.named_tensor_pb2": "@proto.tensor",
    "core.protobuf.queue_runner_pb2": "@proto.saved",
    "core.protobuf.rewriter_config_pb2": "@proto.config",
    "core.protobuf.saved_model_pb2": "@proto.saved",
    "core.protobuf.saved_object_graph_pb2": "@proto.saved",
    "core.protobuf.saver_pb2": "@proto.saved",
    "core.protobuf.struct_pb2": "@proto.saved",
    "core.protobuf.trackable_object_graph_pb2": "@proto.saved",
    "core.util.event_pb2": "@proto.event",
    "dtensor.python.tests.test_util": "@bridge.testing.dtensor",
    "lite.python.convert": "@bridge.internals.conversion tf.lite",
    "lite.python.convert_saved_model": "@bridge.python.tools.saved_models.signatures",
    "lite.python.interpreter": "Interpreter=@formats.tflite.interpreter.interpreter:Interpreter OpResolverType=@api.lite:OpResolverType",
    "lite.python.lite": "tf.lite",
    "lite.python.op_hint": "@v1.graphs.op_hints.hints @v1.graphs.op_hints.stubs",
    "lite.python.util": "@bridge.internals.conversion",
    "python.autograph.core.ag_ctx": "@bridge.internals.autograph",
    "python.autograph.impl.api": "@bridge.internals.autograph",
    "python.checkpoint.checkpoint_management": "meta_graph_filename=@saving.state:meta_graph_filename",
    "python.client.session": (
        "BaseSession=@v1.graphs.session:BaseSession "
        "_DeviceAttributes=@v1.graphs.run_metadata:DeviceAttributes "
        "register_session_run_conversion_functions"
        "=@v1.graphs.feeds:register_session_run_conversion_functions"
    ),
    "python.client.timeline": "@v1.graphs.timeline",
    "python.compat.v2_compat": "enable_v2_behavior=tf.compat.v1.enable_v2_behavior",
    "python.compiler.xla.experimental.xla_sharding": "@bridge.internals.distribution",
    "python.data.ops.debug_mode": "toggle_debug_mode=@data.experimental.debug_mode:toggle_debug_mode",
    "python.data.ops.batch_op": "@bridge.internals.datasets",
    "python.data.ops.cache_op": "@bridge.internals.datasets",
    "python.data.ops.concatenate_op": "@bridge.internals.datasets",
    "python.data.ops.directed_interleave_op": "@bridge.internals.datasets",
    "python.data.ops.filter_op": "@bridge.internals.datasets",
    "python.data.ops.flat_map_op": "@bridge.internals.datasets",
    "python.data.ops.from_generator_op": "@bridge.internals.datasets",
    "python.data.ops.from_sparse_tensor_slices_op": "@bridge.internals.datasets",
    "python.data.ops.from_tensor_slices_op": "@bridge.internals.datasets",
    "python.data.ops.from_tensors_op": "@bridge.internals.datasets",
    "python.data.ops.group_by_window_op": "@bridge.internals.datasets",
    "python.data.ops.ignore_errors_op": "@bridge.internals.datasets",
    "python.data.ops.interleave_op": "@bridge.internals.datasets",
    "python.data.ops.map_op": "@bridge.internals.datasets",
    "python.data.ops.padded_batch_op": "@bridge.internals.datasets",
    "python.data.ops.prefetch_op": "@bridge.internals.datasets",
    "python.data.ops.random_op": "@bridge.internals.datasets",
    "python.data.ops.range_op": "@bridge.internals.datasets",
    "python.data.ops.rebatch_op": "@bridge.internals.datasets",
    "python.data.ops.repeat_op": "@bridge.internals.datasets",
    "python.data.ops.scan_op": "@bridge.internals.datasets",
    "python.data.ops.shard_op": "@bridge.internals.datasets",
    "python.data.ops.shuffle_op": "@bridge.internals.datasets",
    "python.data.ops.skip_op": "@bridge.internals.datasets",
    "python.data.ops.snapshot_op": "@bridge.internals.datasets",
    "python.data.ops.take_op": "@bridge.internals.datasets",
    "python.data.ops.take_while_op": "@bridge.internals.datasets",
    "python.data.ops.unbatch_op": "@bridge.internals.datasets",
    "python.data.ops.unique_op": "@bridge.internals.datasets",
    "python.data.ops.window_op": "@bridge.internals.datasets",
    "python.data.ops.zip_op": "@bridge.internals.datasets",
    "python.debug.lib.debug_events_monitors": "@bridge.internals.runtime",
    "python.debug.lib.debug_events_reader": "@bridge.internals.runtime",
    "python.debug.wrappers.dumping_wrapper": "@bridge.python.debug.wrappers.hooks",
    "python.debug.wrappers.local_cli_wrapper": "@bridge.python.debug.wrappers.hooks",
    "python.distribute.cluster_resolver.sagemaker_cluster_resolver": "@distribute.resolvers.sagemaker",
    "python.distribute.collective_all_reduce_strategy": (
        "CollectiveAllReduceExtended=@distribute.workers.extended:CollectiveAllReduceExtended"
    ),
    "python.distribute.collective_util": (
        "Hints=@distribute.workers.communication:CollectiveHints "
        "Options=@distribute.workers.communication:CommunicationOptions"
    ),
    "python.distribute.distribute_coordinator": (
        "_WorkerContext=@v1.monitored.worker_context:WorkerContext _TaskType=@v1.monitored.worker_context:Task"
    ),
    "python.distribute.distribute_coordinator_context": "@v1.monitored.worker_context",
    "python.distribute.distribute_utils": "@bridge.internals.distribution",
    "python.distribute.experimental.dtensor_strategy_extended": "@distribute.dtensor.strategy",
    "python.distribute.experimental.dtensor_util": "@distribute.dtensor.strategy",
    "python.distribute.experimental.mirrored_strategy": "@distribute.dtensor.strategy",
    "python.distribute.input_lib": (
        "DistributedDataset=tf.distribute.DistributedDataset "
        "DistributedIterator=tf.distribute.DistributedIterator "
        "MultiStepContext=@distribute.values:MultiStepContext @bridge.internals.datasets"
    ),
    "python.distribute.tpu_values": (
        "TPUMirroredVariable=@distribute.mirrored.variables:MirroredVariable "
        "TPUSyncOnReadVariable=@distribute.mirrored.variables:SyncOnReadVariable"
    ),
    "python.distribute.values": "@distribute.values @distribute.mirrored.variables",
    "python.eager.polymorphic_function.atomic_function": "@function.types.atomic",
    "python.framework.c_api_util": "@bridge.internals.conversion",
    "python.framework.config": "@api.config.determinism",
    "python.framework.convert_to_constants": "@bridge.internals.conversion",
    "python.framework.ops": "Tensor=tf.Tensor @eager.context",
    "python.framework.random_seed": "@api.random.seeds",
    "python.framework.smart_cond": "smart_constant_value=@api.internal:smart_constant_value",
    "python.framework.tensor": "@core.specs",
    "python.framework.tensor_shape": "@core.shapes",
    "python.framework.tensor_spec": "@core.specs @bridge.python.framework.tensor",
    "python.framework.tensor_util": (
        "try_evaluate_constant=@graph.static_values:constant_value make_ndarray=tf.make_ndarray "
        "@graph.static_values"
    ),
    "python.framework.errors": "InaccessibleTensorError=@core.errors:InaccessibleTensorError",
    "python.framework.indexed_slices": "IndexedSlicesValue=@core.composite:IndexedSlicesValue",
    "python.framework.type_spec": "@core.specs",
    "python.framework.type_spec_registry": "@core.spec_names",
    "python.grappler.cluster": "@bridge.internals.conversion",
    "python.grappler.tf_optimizer": "@bridge.internals.conversion",
    "python.keras": "tf.keras",
    "python.keras.layers": "tf.keras.layers",
    "python.keras.saving": "tf.keras.saving",
    "python.keras.saving.saving_utils": "@bridge.internals.conversion",
    "python.module.module": (
        "_is_variable=@api.module:_is_variable camel_to_snake=@api.module:snake_case"
    ),
    "python.ops.array_ops": "newaxis=tf.newaxis",
    "python.ops.control_flow_case": "_case_helper=@bridge.internals.control_flow:case_helper",
    "python.ops.control_flow_ops": "@bridge.internals.control_flow",
    "python.ops.control_flow_util": "@bridge.internals.control_flow",
    "python.ops.data_flow_ops": "@bridge.internals.staging",
    "python.ops.init_ops": (
        "_compute_fans=@v1.variables.initializers:fans "
        "Initializer=@api.initializers:Initializer _assert_float_dtype=@api.initializers:floating "
        "identity_initializer=tf.compat.v1.initializers.identity "
        "convolutional_delta_orthogonal=@v1.variables.orthogonal_initializers:ConvolutionDeltaOrthogonal "
        "convolutional_orthogonal_1d=@v1.variables.orthogonal_initializers:ConvolutionOrthogonal1D "
        "convolutional_orthogonal_2d=@v1.variables.orthogonal_initializers:ConvolutionOrthogonal2D "
        "convolutional_orthogonal_3d=@v1.variables.orthogonal_initializers:ConvolutionOrthogonal3D "
        "@v1.variables.initializers @v1.variables.orthogonal_initializers"
    ),
    "python.ops.array_grad": "@bridge.python.ops.math_grad",
    "python.ops.metrics_impl": "_remove_squeezable_dimensions=@v1.metrics.streams:fitting",
    "python.ops.nn_grad": "@bridge.python.ops.math_grad",
    "python.ops.linalg.linear_operator": "@api.linalg.operators.base @api.linalg.operators.spec",
    "python.ops.init_ops_v2": "@api.initializers @v1.variables.initializers",
    "python.ops.lookup_ops": (
        "HashTable=tf.compat.v1.lookup.StaticHashTable "
        "InitializableLookupTableBase=tf.lookup.StaticHashTable @api.lookup.tables @api.lookup.id_tables"
    ),
    "python.ops.math_ops": (
        "tensor_equals=@api.operators:tensor_equals tensor_not_equals=@api.operators:tensor_not_equals"
    ),
    "python.ops.ragged.ragged_array_ops": (
        "bitcast=tf.bitcast broadcast_to=tf.broadcast_to expand_dims=tf.expand_dims "
        "ones=tf.ones "
        "ragged_one_hot=tf.one_hot ragged_reshape=tf.reshape rank=tf.rank reverse=tf.reverse "
        "size=tf.size split=tf.split tile=tf.tile zeros=tf.zeros "
        "broadcast_dynamic_shape=tf.broadcast_dynamic_shape"
    ),
    "python.ops.ragged.ragged_batch_gather_ops": "batch_gather=tf.compat.v1.batch_gather",
    "python.ops.ragged.ragged_concat_ops": "concat=tf.concat",
    "python.ops.ragged.ragged_gather_ops": "gather=tf.gather gather_nd=tf.gather_nd",
    "python.ops.ragged.ragged_math_ops": (
        "matmul=tf.matmul ragged_cumsum=tf.cumsum segment_max=tf.math.unsorted_segment_max "
        "segment_mean=tf.math.unsorted_segment_mean segment_min=tf.math.unsorted_segment_min "
        "segment_prod=tf.math.unsorted_segment_prod "
        "segment_sqrt_n=tf.math.unsorted_segment_sqrt_n "
        "segment_sum=tf.math.unsorted_segment_sum tf.math"
    ),
    "python.ops.ragged.ragged_squeeze_op": "squeeze=tf.squeeze",
    "python.ops.ragged.ragged_string_ops": (
        "reduce_join=tf.strings.reduce_join "
        "ragged_tensor_to_string=@api.ragged_overrides.text:ragged_tensor_to_string"
    ),
    "python.ops.ragged.ragged_factory_ops": (
        "_find_scalar_and_max_depth=@api.ragged.construction:scalar_and_maximum_depth"
    ),
    "python.ops.ragged.dynamic_ragged_shape": (
        "broadcast_dynamic_shape=@api.ragged.shapes.broadcasting:broadcast_dynamic_shape "
        "broadcast_dynamic_shape_extended=@api.ragged.shapes.broadcasting:broadcast_shapes "
        "broadcast_to=@api.ragged.shapes.broadcasting:broadcast_to "
        "ones=@api.ragged.dynamic_shape:ones "
        "ragged_binary_elementwise_op_impl=@api.ragged.shapes.elementwise:elementwise "
        "_to_row_partitions_and_nvals_from_lengths=@api.ragged.dynamic_shape:partitions_of_lengths "
        "_get_layer_broadcasters_from_rps=@api.ragged.shapes.broadcasting:layers_of_partitions "
        "_get_identity_broadcaster=@api.ragged.shapes.broadcasting:identity_broadcaster "
        "_get_broadcaster=@api.ragged.shapes.broadcasting:broadcaster_between "
        "_find_dtype=@api.ragged.shapes.arguments:index_type "
        "_find_dtype_iterable=@api.ragged.shapes.arguments:index_type_of_all "
        "_broadcast_dynamic_shape_next_layer=@api.ragged.shapes.layers:next_layers "
        "_broadcast_dynamic_shape_next_layer_half_ragged="
        "@api.ragged.shapes.layers:next_layers_of_half_ragged "
        "_broadcast_dynamic_shape_next_layer_both_uniform="
        "@api.ragged.shapes.layers:next_layers_of_uniform "
        "_broadcast_dynamic_shape_first_layer=@api.ragged.shapes.layers:first_layers "
        "_LayerBroadcaster=@api.ragged.shapes.layers:LayerBroadcaster "
        "_Broadcaster=@api.ragged.shapes.broadcasting:ShapeBroadcaster "
        "_DynamicRaggedShapeBatchEncoder=@api.ragged.shapes.batching:ShapeBatchEncoder"
    ),
    "python.ops.ragged.ragged_tensor_shape": (
        "RaggedTensorDynamicShape=tf.experimental.DynamicRaggedShape "
        "broadcast_dynamic_shape=tf.broadcast_dynamic_shape broadcast_to=tf.broadcast_to"
    ),
    "python.ops.ragged.row_partition": (
        "_row_partition_factory_key=@api.ragged.row_partition:INTERNAL @api.ragged.row_partition"
    ),
    "python.ops.random_ops": "@bridge.internals.ops",
    "python.ops.resource_variable_ops": ("@eager.variable_spec"),
    "python.ops.numpy_ops.np_random": "DEFAULT_RANDN_DTYPE=tf.experimental.numpy.float32",
    "python.ops.script_ops": (
        "_check_args_and_maybe_make_decorator=@api.python_function:decorator_unless_called"
    ),
    "python.ops.tensor_getitem_override": "_SLICE_TYPE_ERROR=@api.array.subscripts:_ALLOWED_INDICES",
    "python.ops.weights_broadcast_ops": "@v1.functions.weights @bridge.internals.ops",
    "python.platform._pywrap_tf2": ("is_enabled=@api.internal:tf2_enabled"),
    "python.pywrap_tensorflow": "",
    "python.pywrap_tfe": "@bridge.internals.runtime",
    "python.saved_model.loader_impl": (
        "_LOADER_LABEL=@saving.metrics:LOADER "
        "SavedModelLoader=@v1.saving.saved_model:SavedModelLoader "
        "get_train_op=@v1.saving.saved_model:get_train_op "
        "get_init_op=@v1.saving.saved_model:get_init_op @bridge.internals.saved_model"
    ),
    "python.saved_model.nested_structure_coder": "@bridge.internals.saved_model",
    "python.saved_model.builder_impl": "_SAVE_BUILDER_LABEL=@saving.metrics:SAVE_BUILDER",
    "python.saved_model.load": (
        "_LOAD_V2_LABEL=@saving.metrics:LOAD_V2 "
        "_WrapperFunction=@saving.saved_model.revived.functions:RevivedConcreteFunction @saving.saved_model.load"
    ),
    "python.saved_model.load_v1_in_v2": "_LOAD_V1_V2_LABEL=@saving.metrics:LOAD_V1_IN_V2",
    "python.saved_model.registration.registration": "@bridge.python.saved_model.registration",
    "python.saved_model.save": (
        "_SAVE_V2_LABEL=@saving.metrics:SAVE_V2 "
        "_verify_ops=@saving.saved_model.writing.checked_graph:check_namespaces "
        "_strip_debug_nodes=@bridge.internals.saved_model:strip_debug_nodes @saving.saved_model.save"
    ),
    "python.saved_model.tracing_utils": "@saving.saved_model.object_values",
    "python.saved_model.revived_types": "@saving.saved_model.revived_types",
    "python.tf2": "@api.internal",
    "python.tools.saved_model_utils": "@bridge.internals.saved_model",
    "python.trackable.base": "@core.tracking.trackable",
    "python.trackable.data_structures": "@core.tracking.data_structures @core.tracking.trackable",
    "python.trackable.resource": (
        "RestoredResource=@saving.saved_model.load:RestoredResource @eager.trackable_resource @bridge.internals.tracking"
    ),
    "python.summary.plugin_asset": "@v1.summaries.plugin_assets",
    "python.summary.writer.writer": "_PLUGINS_DIR=@v1.summaries.summary:PLUGINS",
    "python.summary.writer.event_file_writer": "@v1.summaries.event_files",
    "python.training.checkpoint_state_pb2": "@proto.saved",
    "python.training.checkpoint_utils": "wait_for_new_checkpoint=@saving.state:wait_for_new_checkpoint",
    "python.training.experimental.loss_scale": "@v1.training.loss_scale",
    "python.training.experimental.mixed_precision": "@v1.training.mixed_precision",
    "python.training.experimental.mixed_precision_global_state": "@v1.process.mixed_precision_state",
    "python.types.core": (
        "Symbol=tf.Tensor TensorLike=tf.types.experimental.TensorLike Value=@eager.tensor:EagerTensor"
    ),
    "python.types.internal": (
        "IndexedSlices=tf.IndexedSlices NativeObject=tf.Tensor "
        "RaggedTensor=tf.RaggedTensor RaggedTensorSpec=tf.RaggedTensorSpec "
        "TensorSpec=tf.TensorSpec TypeSpec=@core.specs:TypeSpec"
    ),
    "python.util._pywrap_util_port": "@bridge.python.framework.test_util",
    "python.util.keras_deps": "@bridge.internals.hooks",
    "python.util.nest": (
        "_is_namedtuple=@util.nest:is_namedtuple is_sequence_or_composite=@util.nest_paths:is_nested_or_composite "
        "_is_attrs=@util.nest:is_attrs _sequence_like=@util.nest_paths:sequence_like "
        "_yield_value=@util.nest_paths:yield_value "
        "_yield_sorted_items=@util.nest_paths:yield_sorted_items @util.nest @util.nest_paths"
    ),
    "python.util.nest_util": "CustomNestProtocol=@util.nest:CustomNestProtocol",
    "python.util.tf_inspect": "std:inspect",
    "python.util.variable_utils": "@bridge.internals.ops",
    "tools.compatibility.all_renames_v2": "@v1.names.renames",
    "tools.compatibility.renames_v2": "renames=@v1.names.renames:symbol_renames",
    "tools.docs.doc_controls": "@bridge.internals.doc_controls",
}


@functools.cache
def public_names() -> dict[str, str]:
    """Maps each private module of TensorFlow to the groups of names in its line of the table."""
    return _table("private_paths.txt")


@functools.cache
def imported_names() -> dict[str, str]:
    """Maps private modules of TensorFlow to the groups of internal names that they import from others."""
    return _table("private_imports.txt")


@functools.cache
def all_names() -> dict[str, frozenset[str]]:
    """Maps each private module of TensorFlow, and each package, to all its names but those with two leading underscores."""
    text = gzip.decompress((FOLDER / "private_names.txt.gz").read_bytes()).decode()
    names = {}
    for line in text.splitlines():
        module, _, others = line.partition(" ")
        known = (names_in(table().get(module, ""), "") for table in (public_names, imported_names))
        names[module] = frozenset(others.split(",")).union(*known)
    return names


def names_in(line: str, joint: str) -> dict[str, str]:
    """Maps the names in a table's line, of `name=target holder:member,... name`, to their targets: of members the holder, the joint and the name."""
    names = {}
    for group in line.split():
        name, is_one, target = group.partition("=")
        holder, _, members = group.partition(":")
        if is_one:
            names[name] = target
        elif members:
            names.update((member, f"{holder}{joint}{member}") for member in members.split(","))
        else:
            names[group] = group
    return names


def _table(file: str) -> dict[str, str]:
    lines = (FOLDER / file).read_text(encoding="utf-8").splitlines()
    return {module: groups for module, _, groups in (line.partition(" ") for line in lines)}


@functools.cache
def packages() -> set[str]:
    """Returns the packages above the modules that are known, such as "python.framework"."""
    return {path.rpartition(".")[0] for path in all_names()} - {""}
