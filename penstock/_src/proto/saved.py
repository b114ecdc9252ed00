"""Saved models and checkpoints as messages: SavedModel, MetaGraphDef, the object graphs, type specs."""

from penstock._src.proto import graph, tensor
from penstock._src.proto.schema import Schema
from penstock._src.util.export import export

ERRORS = Schema(
    "errors",
    """
enum Code
    OK=0, CANCELLED=1, UNKNOWN=2, INVALID_ARGUMENT=3, DEADLINE_EXCEEDED=4, NOT_FOUND=5,
    ALREADY_EXISTS=6, PERMISSION_DENIED=7, UNAUTHENTICATED=16, RESOURCE_EXHAUSTED=8,
    FAILED_PRECONDITION=9, ABORTED=10, OUT_OF_RANGE=11, UNIMPLEMENTED=12, INTERNAL=13,
    UNAVAILABLE=14, DATA_LOSS=15
""",
    package="tensorflow.error",
)

Code = ERRORS["Code"]

SCHEMA = Schema(
    "saved",
    """
enum VariableSynchronization
    VARIABLE_SYNCHRONIZATION_AUTO=0, VARIABLE_SYNCHRONIZATION_NONE=1,
    VARIABLE_SYNCHRONIZATION_ON_WRITE=2, VARIABLE_SYNCHRONIZATION_ON_READ=3
enum VariableAggregation
    VARIABLE_AGGREGATION_NONE=0, VARIABLE_AGGREGATION_SUM=1, VARIABLE_AGGREGATION_MEAN=2,
    VARIABLE_AGGREGATION_ONLY_FIRST_REPLICA=3
VariableDef
    variable_name=1 string, initial_value_name=6 string, initializer_name=2 string,
    snapshot_name=3 string, save_slice_info_def=4 SaveSliceInfoDef, is_resource=5 bool,
    trainable=7 bool, synchronization=8 VariableSynchronization,
    aggregation=9 VariableAggregation
SaveSliceInfoDef
    full_name=1 string, full_shape=2 int64*, var_offset=3 int64*, var_shape=4 int64*
StructuredValue
    (kind: none_value=1 NoneValue, float64_value=11 double, int64_value=12 sint64,
    string_value=13 string, bool_value=14 bool, tensor_shape_value=31 TensorShapeProto,
    tensor_dtype_value=32 DataType, tensor_spec_value=33 TensorSpecProto,
    type_spec_value=34 TypeSpecProto, bounded_tensor_spec_value=35 BoundedTensorSpecProto,
    list_value=51 ListValue, tuple_value=52 TupleValue, dict_value=53 DictValue,
    named_tuple_value=54 NamedTupleValue, tensor_value=55 TensorProto,
    numpy_value=56 TensorProto)
NoneValue
ListValue
    values=1 StructuredValue*
TupleValue
    values=1 StructuredValue*
DictValue
    fields=1 {string: StructuredValue}
PairValue
    key=1 string, value=2 StructuredValue
NamedTupleValue
    name=1 string, values=2 PairValue*
TensorSpecProto
    name=1 string, shape=2 TensorShapeProto, dtype=3 DataType
BoundedTensorSpecProto
    name=1 string, shape=2 TensorShapeProto, dtype=3 DataType, minimum=4 TensorProto,
    maximum=5 TensorProto
TypeSpecProto
    type_spec_class=1 TypeSpecClass, type_state=2 StructuredValue,
    type_spec_class_name=3 string, num_flat_components=4 int32
enum TypeSpecProto.TypeSpecClass
    UNKNOWN=0, SPARSE_TENSOR_SPEC=1, INDEXED_SLICES_SPEC=2, RAGGED_TENSOR_SPEC=3,
    TENSOR_ARRAY_SPEC=4, DATA_DATASET_SPEC=5, DATA_ITERATOR_SPEC=6, OPTIONAL_SPEC=7,
    PER_REPLICA_SPEC=8, VARIABLE_SPEC=9, ROW_PARTITION_SPEC=10, REGISTERED_TYPE_SPEC=12,
    EXTENSION_TYPE_SPEC=13
TrackableObjectGraph
    nodes=1 TrackableObject*
TrackableObjectGraph.TrackableObject
    children=1 ObjectReference*, attributes=2 SerializedTensor*,
    slot_variables=3 SlotVariableReference*, registered_saver=4 RegisteredSaver,
    has_checkpoint_values=5 google.protobuf.BoolValue
TrackableObjectGraph.TrackableObject.ObjectReference
    node_id=1 int32, local_name=2 string
TrackableObjectGraph.TrackableObject.SerializedTensor
    name=1 string, full_name=2 string, checkpoint_key=3 string
TrackableObjectGraph.TrackableObject.SlotVariableReference
    original_variable_node_id=1 int32, slot_name=2 string, slot_variable_node_id=3 int32
RegisteredSaver
    name=1 string, object_name=2 string
SavedObjectGraph
    nodes=1 SavedObject*, concrete_functions=2 {string: SavedConcreteFunction}
SavedObject
    children=1 TrackableObjectGraph.TrackableObject.ObjectReference*,
    dependencies=15 TrackableObjectGraph.TrackableObject.ObjectReference*,
    slot_variables=3 TrackableObjectGraph.TrackableObject.SlotVariableReference*,
    (kind: user_object=4 SavedUserObject, asset=5 SavedAsset, function=6 SavedFunction,
    variable=7 SavedVariable, bare_concrete_function=8 SavedBareConcreteFunction,
    constant=9 SavedConstant, resource=10 SavedResource, captured_tensor=12 CapturedTensor),
    saveable_objects=11 {string: SaveableObject}, registered_name=13 string,
    serialized_user_proto=14 google.protobuf.Any, registered_saver=16 string
SavedUserObject
    identifier=1 string, version=2 VersionDef, metadata=3 string
SavedAsset
    asset_file_def_index=1 int32
SavedFunction
    concrete_functions=1 string*, function_spec=2 FunctionSpec
CapturedTensor
    name=1 string, concrete_function=2 string
SavedConcreteFunction
    bound_inputs=2 int32*, canonicalized_input_signature=3 StructuredValue,
    output_signature=4 StructuredValue
SavedBareConcreteFunction
    concrete_function_name=1 string, argument_keywords=2 string*,
    allowed_positional_arguments=3 int64, function_spec=4 FunctionSpec
SavedConstant
    operation=1 string
SavedVariable
    dtype=1 DataType, shape=2 TensorShapeProto, trainable=3 bool,
    synchronization=4 VariableSynchronization, aggregation=5 VariableAggregation, name=6 string,
    device=7 string, experimental_distributed_variable_components=8 SavedVariable*
FunctionSpec
    fullargspec=1 StructuredValue, is_method=2 bool, input_signature=5 StructuredValue,
    jit_compile=6 JitCompile
enum FunctionSpec.JitCompile
    DEFAULT=0, ON=1, OFF=2
SavedResource
    device=1 string
SaveableObject
    save_function=2 int32, restore_function=3 int32
SaverDef
    filename_tensor_name=1 string, save_tensor_name=2 string, restore_op_name=3 string,
    max_to_keep=4 int32, sharded=5 bool, keep_checkpoint_every_n_hours=6 float,
    version=7 CheckpointFormatVersion
enum SaverDef.CheckpointFormatVersion
    LEGACY=0, V1=1, V2=2
MetaGraphDef
    meta_info_def=1 MetaInfoDef, graph_def=2 GraphDef, saver_def=3 SaverDef,
    collection_def=4 {string: CollectionDef}, signature_def=5 {string: SignatureDef},
    asset_file_def=6 AssetFileDef*, object_graph_def=7 SavedObjectGraph
MetaGraphDef.MetaInfoDef
    meta_graph_version=1 string, stripped_op_list=2 OpList, any_info=3 google.protobuf.Any,
    tags=4 string*, tensorflow_version=5 string, tensorflow_git_version=6 string,
    stripped_default_attrs=7 bool, function_aliases=8 {string: string}
CollectionDef
    (kind: node_list=1 NodeList, bytes_list=2 BytesList, int64_list=3 Int64List,
    float_list=4 FloatList, any_list=5 AnyList)
CollectionDef.NodeList
    value=1 string*
CollectionDef.BytesList
    value=1 bytes*
CollectionDef.Int64List
    value=1 int64*
CollectionDef.FloatList
    value=1 float*
CollectionDef.AnyList
    value=1 google.protobuf.Any*
TensorInfo
    (encoding: name=1 string, coo_sparse=4 CooSparse, composite_tensor=5 CompositeTensor),
    dtype=2 DataType, tensor_shape=3 TensorShapeProto
TensorInfo.CooSparse
    values_tensor_name=1 string, indices_tensor_name=2 string, dense_shape_tensor_name=3 string
TensorInfo.CompositeTensor
    type_spec=1 TypeSpecProto, components=2 TensorInfo*
CompositeTensorVariantMetadata
    type_spec_proto=1 TypeSpecProto
SignatureDef
    inputs=1 {string: TensorInfo}, outputs=2 {string: TensorInfo}, method_name=3 string,
    defaults=4 {string: TensorProto}
AssetFileDef
    tensor_info=1 TensorInfo, filename=2 string
SavedModel
    saved_model_schema_version=1 int64, meta_graphs=2 MetaGraphDef*
CheckpointState
    model_checkpoint_path=1 string, all_model_checkpoint_paths=2 string*,
    all_model_checkpoint_timestamps=3 double*, last_preserved_timestamp=4 double
FingerprintDef
    saved_model_checksum=1 uint64, graph_def_program_hash=2 uint64, signature_def_hash=3 uint64,
    saved_object_graph_hash=4 uint64, checkpoint_hash=5 uint64, uuid=7 string,
    version=6 VersionDef
QueueRunnerDef
    queue_name=1 string, enqueue_op_name=2 string*, close_op_name=3 string,
    cancel_op_name=4 string, queue_closed_exception_types=5 error.Code*
ValuesDef
    values=1 string*, external_values=2 {string: string}
ControlFlowContextDef
    (ctxt: cond_ctxt=1 CondContextDef, while_ctxt=2 WhileContextDef)
CondContextDef
    context_name=1 string, pred_name=2 string, pivot_name=3 string, branch=4 int32,
    values_def=5 ValuesDef, nested_contexts=6 ControlFlowContextDef*
WhileContextDef
    context_name=1 string, parallel_iterations=2 int32, back_prop=3 bool, swap_memory=4 bool,
    pivot_name=5 string, pivot_for_pred_name=6 string, pivot_for_body_name=7 string,
    loop_exit_names=8 string*, loop_enter_names=10 string*, values_def=9 ValuesDef,
    maximum_iterations_name=11 string, nested_contexts=12 ControlFlowContextDef*
""",
    uses=[tensor.SCHEMA, graph.SCHEMA, ERRORS],
)

VariableSynchronization = SCHEMA["VariableSynchronization"]
VariableAggregation = SCHEMA["VariableAggregation"]
VariableDef = SCHEMA["VariableDef"]
SaveSliceInfoDef = SCHEMA["SaveSliceInfoDef"]
StructuredValue = SCHEMA["StructuredValue"]
NoneValue = SCHEMA["NoneValue"]
ListValue = SCHEMA["ListValue"]
TupleValue = SCHEMA["TupleValue"]
DictValue = SCHEMA["DictValue"]
PairValue = SCHEMA["PairValue"]
NamedTupleValue = SCHEMA["NamedTupleValue"]
TensorSpecProto = SCHEMA["TensorSpecProto"]
BoundedTensorSpecProto = SCHEMA["BoundedTensorSpecProto"]
TypeSpecProto = SCHEMA["TypeSpecProto"]
CompositeTensorVariantMetadata = SCHEMA["CompositeTensorVariantMetadata"]
TrackableObjectGraph = SCHEMA["TrackableObjectGraph"]
RegisteredSaver = SCHEMA["RegisteredSaver"]
SavedObjectGraph = SCHEMA["SavedObjectGraph"]
SavedObject = SCHEMA["SavedObject"]
SavedUserObject = SCHEMA["SavedUserObject"]
SavedAsset = SCHEMA["SavedAsset"]
SavedFunction = SCHEMA["SavedFunction"]
CapturedTensor = SCHEMA["CapturedTensor"]
SavedConcreteFunction = SCHEMA["SavedConcreteFunction"]
SavedBareConcreteFunction = SCHEMA["SavedBareConcreteFunction"]
SavedConstant = SCHEMA["SavedConstant"]
SavedVariable = SCHEMA["SavedVariable"]
FunctionSpec = SCHEMA["FunctionSpec"]
SavedResource = SCHEMA["SavedResource"]
SaveableObject = SCHEMA["SaveableObject"]
SaverDef = SCHEMA["SaverDef"]
MetaGraphDef = SCHEMA["MetaGraphDef"]
CollectionDef = SCHEMA["CollectionDef"]
TensorInfo = SCHEMA["TensorInfo"]
SignatureDef = SCHEMA["SignatureDef"]
AssetFileDef = SCHEMA["AssetFileDef"]
SavedModel = SCHEMA["SavedModel"]
CheckpointState = SCHEMA["CheckpointState"]
FingerprintDef = SCHEMA["FingerprintDef"]
QueueRunnerDef = SCHEMA["QueueRunnerDef"]
ValuesDef = SCHEMA["ValuesDef"]
ControlFlowContextDef = SCHEMA["ControlFlowContextDef"]
CondContextDef = SCHEMA["CondContextDef"]
WhileContextDef = SCHEMA["WhileContextDef"]

export(v1=["MetaGraphDef"])(MetaGraphDef)
export(v1=["TensorInfo"])(TensorInfo)
export(v1=["train.SaverDef"])(SaverDef)
