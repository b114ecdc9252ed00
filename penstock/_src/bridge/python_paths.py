"""Maps the private paths of TensorFlow that other packages import to Penstock's objects.

A path below `tensorflow` has a list of sources, tried in order for each name:

    "tf"              the public root;  "tf.math": a public namespace
    "@module.path"    a module of penstock._src
    "std:module"      a module of Python's own library
    "raw"             raw ops by their snake_case name (gen_math_ops.batch_mat_mul_v2)
    "name=target"     one name; the target is `tf...` or `@module.path:attribute`
    "name/"           a module of its own below this path
"""

from __future__ import annotations

_OPS = "tf tf.math tf.linalg tf.nn tf.random tf.sparse tf.strings tf.image tf.bitwise tf.io raw"
_ARRAY = "newaxis=tf.newaxis " + _OPS

PATHS: dict[str, str] = {
    "python": "pywrap_tensorflow/ pywrap_tfe/ tf2/ tf",
    "python.autograph": "impl/ core/ converters/ pyct/ tf.autograph",
    "python.autograph.converters": "break_statements/ continue_statements/ return_statements/",
    "python.autograph.converters.break_statements": "@bridge.internals.pyct",
    "python.autograph.converters.continue_statements": "@bridge.internals.pyct",
    "python.autograph.converters.return_statements": "@bridge.internals.pyct",
    "python.autograph.core": "ag_ctx/ converter/",
    "python.autograph.core.converter": "@bridge.internals.pyct",
    "python.autograph.core.ag_ctx": "@bridge.internals.autograph",
    "python.autograph.impl": "api/",
    "python.autograph.impl.api": (
        "tf.autograph tf.autograph.experimental @bridge.internals.autograph"
    ),
    "python.autograph.pyct": (
        "anno/ inspect_utils/ loader/ naming/ parser/ qual_names/ templates/ transformer/ "
        "common_transformers/ static_analysis/"
    ),
    "python.autograph.pyct.anno": "@bridge.internals.pyct",
    "python.autograph.pyct.inspect_utils": "@bridge.internals.pyct",
    "python.autograph.pyct.loader": "@bridge.internals.pyct",
    "python.autograph.pyct.naming": "@bridge.internals.pyct",
    "python.autograph.pyct.parser": "@bridge.internals.pyct",
    "python.autograph.pyct.qual_names": "@bridge.internals.pyct",
    "python.autograph.pyct.templates": "@bridge.internals.pyct",
    "python.autograph.pyct.transformer": "@bridge.internals.pyct",
    "python.autograph.pyct.common_transformers": "anf/",
    "python.autograph.pyct.common_transformers.anf": "@bridge.internals.pyct",
    "python.autograph.pyct.static_analysis": "activity/",
    "python.autograph.pyct.static_analysis.activity": "@bridge.internals.pyct",
    "python.checkpoint": "checkpoint/ trackable_view/ checkpoint_management/",
    "python.checkpoint.checkpoint": "tf.train",
    "python.checkpoint.checkpoint_management": "tf.train",
    "python.checkpoint.trackable_view": "tf.train",
    "python.client": "device_lib/ session/",
    "python.client.device_lib": "@bridge.eager_context",
    "python.client.session": "tf.compat.v1",
    "python.compat": "tf.compat",
    "python.compiler": "xla/",
    "python.compiler.xla": "experimental/",
    "python.compiler.xla.experimental": "xla_sharding/",
    "python.compiler.xla.experimental.xla_sharding": "@bridge.internals.distribution",
    "python.data": "util/ tf.data",
    "python.data.experimental": "tf.data.experimental",
    "python.data.experimental.ops": "distribute/",
    "python.data.experimental.ops.distribute": (
        "compute_batch_size=@data.structure:compute_batch_size tf.data.experimental"
    ),
    "python.data.ops": (
        "dataset_ops/ iterator_ops/ from_generator_op/ from_sparse_tensor_slices_op/ "
        "from_tensor_slices_op/ from_tensors_op/ range_op/"
    ),
    "python.data.ops.dataset_ops": "DatasetV2=tf.data.Dataset tf.data",
    "python.data.ops.iterator_ops": "OwnedIterator=@data.iterator:OwnedIterator tf.data",
    "python.data.ops.from_generator_op": "@bridge.internals.datasets",
    "python.data.ops.from_sparse_tensor_slices_op": "@bridge.internals.datasets",
    "python.data.ops.from_tensor_slices_op": "@bridge.internals.datasets",
    "python.data.ops.from_tensors_op": "@bridge.internals.datasets",
    "python.data.ops.range_op": "@bridge.internals.datasets",
    "python.data.util": "structure/ nest/",
    "python.data.util.nest": "@util.nest @util.nest_paths",
    "python.data.util.structure": "@data.structure",
    "python.debug": "lib/",
    "python.debug.lib": "debug_events_monitors/ debug_events_reader/",
    "python.debug.lib.debug_events_monitors": "@bridge.internals.runtime",
    "python.debug.lib.debug_events_reader": "@bridge.internals.runtime",
    "python.distribute": (
        "distribute_lib/ distribute_utils/ input_lib/ input_ops/ cluster_resolver/"
    ),
    "python.distribute.cluster_resolver": "tf.distribute.cluster_resolver",
    "python.distribute.distribute_utils": "@bridge.internals.distribution",
    "python.distribute.input_lib": "@bridge.internals.datasets tf.distribute",
    "python.distribute.input_ops": "@bridge.internals.datasets",
    "python.distribute.distribute_lib": "tf.distribute",
    "python.eager": "context/ def_function/ backprop/ tape/",
    "python.eager.backprop": "tf",
    "python.eager.context": "@bridge.eager_context",
    "python.eager.def_function": "tf",
    "python.eager.tape": "tf",
    "python.framework": (
        "ops/ dtypes/ tensor_shape/ tensor_spec/ type_spec/ tensor_util/ composite_tensor/ "
        "type_spec_registry/ config/ constant_op/ errors/ errors_impl/ smart_cond/ sparse_tensor/ "
        "indexed_slices/ tensor/ random_seed/ graph_util/ tensor_conversion/ test_util/ "
        "convert_to_constants/ function_def_to_graph/ c_api_util/"
    ),
    "python.framework.composite_tensor": "tf.__internal__",
    "python.framework.config": "@api.config.determinism tf.config tf.config.experimental",
    "python.framework.constant_op": "tf",
    "python.framework.c_api_util": "@bridge.internals.conversion",
    "python.framework.convert_to_constants": "@bridge.internals.conversion",
    "python.framework.dtypes": "tf.dtypes tf",
    "python.framework.errors": "tf.errors",
    "python.framework.errors_impl": "tf.errors",
    "python.framework.function_def_to_graph": "@bridge.internals.conversion",
    "python.framework.graph_util": "tf.compat.v1.graph_util",
    "python.framework.indexed_slices": "tf",
    "python.framework.ops": (
        "EagerTensor=tf.__internal__.EagerTensor Tensor=tf.Tensor reset_default_graph="
        "tf.compat.v1.reset_default_graph get_default_graph=tf.compat.v1.get_default_graph "
        "name_scope_v1=tf.compat.v1.name_scope colocate_with=tf.compat.v1.colocate_with tf "
        "@bridge.internals.graphs @eager.context"
    ),
    "python.framework.random_seed": "tf.random tf.compat.v1",
    "python.framework.smart_cond": (
        "smart_cond=tf.__internal__.smart_cond.smart_cond "
        "smart_constant_value=@api.internal:smart_constant_value"
    ),
    "python.framework.sparse_tensor": "tf tf.sparse",
    "python.framework.tensor": "tf @core.specs",
    "python.framework.tensor_conversion": "tf",
    "python.framework.tensor_shape": "tf dimension_value=tf.compat.dimension_value @core.shapes",
    "python.framework.tensor_spec": "tf @core.specs",
    "python.framework.tensor_util": (
        "is_tf_type=tf.is_tensor is_tensor=tf.is_tensor constant_value=tf.get_static_value "
        "try_evaluate_constant=tf.get_static_value "
        "MakeNdarray=tf.make_ndarray make_ndarray=tf.make_ndarray "
        "make_tensor_proto=tf.make_tensor_proto @graph.static_values"
    ),
    "python.framework.test_util": "tf.test @bridge.internals.testing",
    "python.framework.type_spec": "tf @core.specs",
    "python.framework.type_spec_registry": "@core.spec_names",
    "python.grappler": "cluster/ tf_optimizer/",
    "python.grappler.cluster": "@bridge.internals.conversion",
    "python.grappler.tf_optimizer": "@bridge.internals.conversion",
    "python.keras": "saving/ tf.keras",
    "python.keras.layers": "recurrent_v2/ tf.keras.layers",
    "python.keras.layers.recurrent_v2": "tf.keras.layers",
    "python.keras.saving": "saving_utils/ tf.keras.saving",
    "python.keras.saving.saving_utils": "@bridge.internals.conversion",
    "python.lib": "io/",
    "python.lib.io": "tf_record/ file_io/",
    "python.lib.io.file_io": "tf.io.gfile",
    "python.lib.io.tf_record": "tf.io tf.compat.v1.io",
    "python.module": "module/",
    "python.module.module": "tf",
    "python.ops": (
        "array_ops/ math_ops/ nn_ops/ nn/ nn_impl/ random_ops/ sparse_ops/ control_flow_ops/ cond/ "
        "while_loop/ linalg_ops/ string_ops/ image_ops/ image_ops_impl/ resource_variable_ops/ "
        "variables/ variable_scope/ init_ops/ init_ops_v2/ lookup_ops/ gen_math_ops/ gen_array_ops/ "
        "gen_nn_ops/ gen_audio_ops/ gen_random_ops/ gen_linalg_ops/ gen_image_ops/ gen_io_ops/ "
        "gen_state_ops/ gen_resource_variable_ops/ gen_string_ops/ gen_sparse_ops/ "
        "gen_control_flow_ops/ gen_dataset_ops/ control_flow_util/ weights_broadcast_ops/ "
        " gen_stateless_random_ops_v2/ linalg/ ragged/ "
        "control_flow_case/ control_flow_assert/ check_ops/ gradients/ gradients_impl/ state_ops/ "
        "standard_ops/ stateless_random_ops/ tensor_array_ops/ functional_ops/ map_fn/ clip_ops/ "
        "special_math_ops/ bitwise_ops/ script_ops/ summary_ops_v2/ parallel_for/"
    ),
    "python.ops.array_ops": _ARRAY,
    "python.ops.bitwise_ops": "tf.bitwise",
    "python.ops.check_ops": "tf.debugging tf.compat.v1",
    "python.ops.clip_ops": "tf",
    "python.ops.cond": "tf",
    "python.ops.control_flow_assert": "tf",
    "python.ops.control_flow_case": "_case_helper=@bridge.internals.control_flow:case_helper tf",
    "python.ops.control_flow_ops": "tf tf.compat.v1 @bridge.internals.control_flow",
    "python.ops.control_flow_util": "@bridge.internals.control_flow",
    "python.ops.functional_ops": "tf",
    "python.ops.gradients": "tf",
    "python.ops.gradients_impl": "tf",
    "python.ops.image_ops": "tf.image tf.io raw",
    "python.ops.image_ops_impl": "tf.image",
    "python.ops.init_ops": "tf.compat.v1 tf.compat.v1.initializers @v1.variables.initializers",
    "python.ops.init_ops_v2": "tf tf.initializers",
    "python.ops.linalg": "sparse/ linear_operator/ linear_operator_addition/ linalg/ linalg_impl/",
    "python.ops.linalg.linalg": "tf.linalg",
    "python.ops.linalg.linalg_impl": "tf.linalg",
    "python.ops.linalg.linear_operator": (
        "tf.linalg @api.linalg.operators.base @api.linalg.operators.spec"
    ),
    "python.ops.linalg.linear_operator_addition": "@api.linalg.operators.functions",
    "python.ops.linalg.sparse": "sparse_csr_matrix_ops/",
    "python.ops.linalg.sparse.sparse_csr_matrix_ops": (
        "sparse_tensor_to_csr_sparse_matrix=@bridge.sparse_csr:sparse_tensor_to_csr_sparse_matrix "
        "csr_sparse_matrix_to_sparse_tensor=@bridge.sparse_csr:csr_sparse_matrix_to_sparse_tensor "
        "raw"
    ),
    "python.ops.linalg_ops": "tf.linalg tf raw",
    "python.ops.lookup_ops": "tf.lookup tf.lookup.experimental @api.lookup.tables",
    "python.ops.map_fn": "tf",
    "python.ops.math_ops": _OPS,
    "python.ops.nn": "tf.nn raw",
    "python.ops.nn_impl": "tf.nn tf.compat.v1.nn",
    "python.ops.nn_ops": "tf.nn tf.compat.v1.nn raw",
    "python.ops.parallel_for": "control_flow_ops/",
    "python.ops.parallel_for.control_flow_ops": "tf @bridge.internals.control_flow",
    "python.ops.ragged": (
        "ragged_tensor/ ragged_factory_ops/ ragged_array_ops/ row_partition/ ragged_map_ops/ "
        "ragged_util/"
    ),
    "python.ops.ragged.ragged_array_ops": "tf.ragged",
    "python.ops.ragged.ragged_factory_ops": "tf.ragged",
    "python.ops.ragged.ragged_map_ops": "tf",
    "python.ops.ragged.ragged_tensor": "tf tf.ragged",
    "python.ops.ragged.ragged_util": "@bridge.internals.graphs",
    "python.ops.ragged.row_partition": "tf.experimental",
    "python.ops.random_ops": (
        "random_uniform=tf.random.uniform random_normal=tf.random.normal "
        "random_shuffle=tf.random.shuffle tf.random tf.compat.v1 @bridge.internals.ops"
    ),
    "python.ops.resource_variable_ops": (
        "BaseResourceVariable=tf.Variable ResourceVariable=tf.Variable "
        "is_resource_variable=tf.__internal__.ops.is_resource_variable @eager.variable_spec raw"
    ),
    "python.ops.script_ops": "tf",
    "python.ops.special_math_ops": "tf.math.special tf.math tf",
    "python.ops.sparse_ops": "tf.sparse tf.compat.v1 raw",
    "python.ops.standard_ops": "tf",
    "python.ops.state_ops": "tf.compat.v1 raw",
    "python.ops.stateless_random_ops": "tf.random",
    "python.ops.string_ops": "tf.strings tf raw",
    "python.ops.summary_ops_v2": "tf.summary",
    "python.ops.tensor_array_ops": "tf",
    "python.ops.variable_scope": "tf.compat.v1 tf",
    "python.ops.variables": "tf tf.compat.v1",
    "python.ops.weights_broadcast_ops": "@bridge.internals.ops",
    "python.ops.while_loop": "tf",
    "python.platform": "tf_logging/ gfile/ test/ resource_loader/",
    "python.platform.gfile": "tf.io.gfile tf.compat.v1.gfile",
    "python.platform.resource_loader": "tf.compat.v1.resource_loader",
    "python.platform.test": "tf.test",
    "python.platform.tf_logging": "tf.compat.v1.logging",
    "python.pywrap_tensorflow": "",
    "python.pywrap_tfe": "@bridge.internals.runtime",
    "python.saved_model": (
        "load/ save/ loader/ loader_impl/ signature_constants/ tag_constants/ load_context/ "
        "nested_structure_coder/ model_utils/"
    ),
    "python.saved_model.load": "tf.saved_model",
    "python.saved_model.load_context": "@bridge.internals.hooks",
    "python.saved_model.loader": "tf.compat.v1.saved_model tf.compat.v1.saved_model.loader",
    "python.saved_model.loader_impl": (
        "@bridge.internals.saved_model tf.compat.v1.saved_model tf.compat.v1.saved_model.loader"
    ),
    "python.saved_model.model_utils": "mode_keys/",
    "python.saved_model.model_utils.mode_keys": "@bridge.internals.saved_model",
    "python.saved_model.nested_structure_coder": "@bridge.internals.saved_model",
    "python.saved_model.save": "tf.saved_model",
    "python.saved_model.signature_constants": "tf.saved_model tf.compat.v1.saved_model",
    "python.saved_model.tag_constants": "tf.compat.v1.saved_model.tag_constants",
    "python.trackable": "data_structures/ base/ autotrackable/ resource/",
    "python.trackable.autotrackable": "tf.__internal__.tracking",
    "python.trackable.base": "tf.__internal__.tracking @core.tracking.trackable",
    "python.trackable.data_structures": "@core.tracking.data_structures @core.tracking.trackable",
    "python.trackable.resource": "@bridge.internals.tracking tf.saved_model.experimental",
    "python.summary": "summary/",
    "python.summary.summary": "tf.compat.v1.summary tf.summary",
    "python.tf2": "@api.internal",
    "python.tools": "saved_model_utils/",
    "python.tools.saved_model_utils": "@bridge.internals.saved_model",
    "python.training": "checkpoint_utils/ saver/ moving_averages/ server_lib/ tracking/",
    "python.training.checkpoint_utils": "tf.train",
    "python.training.moving_averages": "tf.train tf.__internal__.train",
    "python.training.saver": "tf.compat.v1.train",
    "python.training.server_lib": "tf.train tf.distribute",
    "python.training.tracking": "data_structures/ base/",
    "python.training.tracking.base": "tf.__internal__.tracking @core.tracking.trackable",
    "python.training.tracking.data_structures": (
        "@core.tracking.data_structures @core.tracking.trackable"
    ),
    "python.types": "core/",
    "python.types.core": "Tensor=tf.__internal__.types.Tensor tf.types.experimental",
    "python.util": (
        "nest/ compat/ tf_inspect/ deprecation/ tf_export/ object_identity/ tf_decorator/ dispatch/ "
        "keras_deps/ tf_contextlib/ variable_utils/"
    ),
    "python.util.compat": "tf.compat",
    "python.util.deprecation": "@bridge.decorators",
    "python.util.dispatch": (
        "dispatch_for_types=@bridge.decorators:dispatch_for_types tf.__internal__.dispatch "
        "tf.experimental"
    ),
    "python.util.keras_deps": "@bridge.internals.hooks",
    "python.util.nest": (
        "_is_namedtuple=@bridge.internals.graphs:is_namedtuple "
        "_sequence_like=@util.nest_paths:sequence_like _yield_value=@util.nest_paths:yield_value "
        "_yield_sorted_items=@util.nest_paths:yield_sorted_items "
        "tf.nest tf.__internal__.nest @util.nest @util.nest_paths"
    ),
    "python.util.object_identity": "Reference=@core.tensor:Reference",
    "python.util.tf_contextlib": "std:contextlib",
    "python.util.tf_decorator": "@bridge.decorators",
    "python.util.tf_export": "@bridge.decorators",
    "python.util.tf_inspect": "_inspect=std:inspect @bridge.decorators std:inspect",
    "python.util.variable_utils": "@bridge.internals.ops",
    "lite": "python/ tf.lite",
    "lite.python": "convert/ lite/",
    "lite.python.convert": "@bridge.internals.conversion tf.lite",
    "lite.python.lite": "tf.lite",
    "tools": "docs/",
    "tools.docs": "doc_controls/",
    "tools.docs.doc_controls": "@bridge.internals.doc_controls",
    "compiler": "tf2xla/ xla/",
    "compiler.tf2xla": "python/",
    "compiler.tf2xla.python": "xla/",
    "compiler.tf2xla.python.xla": "@api.xla_ops",
    "compiler.xla": "xla_data_pb2/",
    "compiler.xla.xla_data_pb2": "@proto.layout",
    "core": "framework/ protobuf/ util/ example/",
    "core.example": "example_pb2/ feature_pb2/",
    "core.example.example_pb2": "@proto.example",
    "core.example.feature_pb2": "@proto.example",
    "core.framework": (
        "graph_pb2/ node_def_pb2/ attr_value_pb2/ function_pb2/ types_pb2/ tensor_pb2/ op_def_pb2/ "
        "tensor_shape_pb2/ summary_pb2/ step_stats_pb2/ variable_pb2/ versions_pb2/ "
        "device_attributes_pb2/"
    ),
    "core.framework.attr_value_pb2": "@proto.graph",
    "core.framework.device_attributes_pb2": "@proto.stats @proto.config",
    "core.framework.function_pb2": "@proto.graph",
    "core.framework.graph_pb2": "@proto.graph",
    "core.framework.node_def_pb2": "@proto.graph",
    "core.framework.op_def_pb2": "@proto.graph",
    "core.framework.step_stats_pb2": "@proto.stats",
    "core.framework.summary_pb2": "@proto.event",
    "core.framework.tensor_pb2": "@proto.tensor",
    "core.framework.tensor_shape_pb2": "@proto.tensor",
    "core.framework.types_pb2": "@proto.tensor",
    "core.framework.variable_pb2": "@proto.saved",
    "core.framework.versions_pb2": "@proto.graph",
    "core.protobuf": (
        "config_pb2/ meta_graph_pb2/ saved_model_pb2/ struct_pb2/ cluster_pb2/ saver_pb2/ "
        "trackable_object_graph_pb2/ saved_object_graph_pb2/ rewriter_config_pb2/ "
        "device_properties_pb2/"
    ),
    "core.protobuf.cluster_pb2": "@proto.config",
    "core.protobuf.config_pb2": "@proto.config",
    "core.protobuf.device_properties_pb2": "@proto.stats",
    "core.protobuf.meta_graph_pb2": "@proto.saved",
    "core.protobuf.rewriter_config_pb2": "@proto.config",
    "core.protobuf.saved_model_pb2": "@proto.saved",
    "core.protobuf.saved_object_graph_pb2": "@proto.saved",
    "core.protobuf.saver_pb2": "@proto.saved",
    "core.protobuf.struct_pb2": "@proto.saved",
    "core.protobuf.trackable_object_graph_pb2": "@proto.saved",
    "core.util": "event_pb2/",
    "core.util.event_pb2": "@proto.event",
}
