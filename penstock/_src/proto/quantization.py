"""Options of quantizing models, and samples of their inputs, as messages."""

from penstock._src.proto import tensor
from penstock._src.proto.schema import Schema

STABLEHLO = Schema(
    "quantization_config",
    """
TfRecordFile
    path=1 string
RepresentativeDatasetConfig
    (file: tf_record=1 TfRecordFile), signature_key=2 string?
DebuggerConfig
    debugger_type=1 DebuggerType, unquantized_dump_model_path=2 string, log_dir_path=3 string
enum DebuggerConfig.DebuggerType
    DEBUGGER_TYPE_UNSPECIFIED=0, DEBUGGER_TYPE_WHOLE_MODEL=1, DEBUGGER_TYPE_INT_PER_LAYER=2,
    DEBUGGER_TYPE_FLOAT_PER_LAYER=3
CalibrationOptions
    calibration_method=1 CalibrationMethod, calibration_parameters=2 CalibrationParameters,
    representative_datasets=3 RepresentativeDatasetConfig*, calibration_data_dir=4 string,
    force_regenerate_calibration_data=5 bool
CalibrationOptions.CalibrationParameters
    num_bins=1 int32, min_percentile=2 float, max_percentile=3 float
enum CalibrationOptions.CalibrationMethod
    CALIBRATION_METHOD_UNSPECIFIED=0, CALIBRATION_METHOD_MIN_MAX=1,
    CALIBRATION_METHOD_AVERAGE_MIN_MAX=2, CALIBRATION_METHOD_HISTOGRAM_PERCENTILE=3,
    CALIBRATION_METHOD_HISTOGRAM_MSE_BRUTEFORCE=4,
    CALIBRATION_METHOD_HISTOGRAM_MSE_MAX_FREQUENCY=5,
    CALIBRATION_METHOD_HISTOGRAM_MSE_SYMMETRIC=6
""",
    package="stablehlo.quantization",
)

SCHEMA = Schema(
    "quantization",
    """
enum OpSet
    OP_SET_UNSPECIFIED=0, TF=1, XLA=2, UNIFORM_QUANTIZED=3, STABLEHLO=4
QuantizationMethod
    preset_method=4 PresetMethod, quantization_component_specs=3 QuantizationComponentSpec*
enum QuantizationMethod.PresetMethod
    METHOD_UNSPECIFIED=0, METHOD_NO_QUANTIZE=1, METHOD_STATIC_RANGE_INT8=2,
    METHOD_DYNAMIC_RANGE_INT8=3, METHOD_STATIC_RANGE_WEIGHT_ONLY_INT8=4
QuantizationComponentSpec
    quantization_component=1 QuantizationComponent, tensor_type=2 TensorType
enum QuantizationComponentSpec.QuantizationComponent
    COMPONENT_UNSPECIFIED=0, COMPONENT_ACTIVATION=1, COMPONENT_WEIGHT=2, COMPONENT_BIAS=3
enum QuantizationComponentSpec.TensorType
    TENSORTYPE_UNSPECIFIED=0, TENSORTYPE_INT_4=1, TENSORTYPE_INT_8=2, TENSORTYPE_INT_32=3
UnitWiseQuantizationSpec
    unit=5 QuantizationUnit*, quantization_method=6 QuantizationMethod
UnitWiseQuantizationSpec.QuantizationUnit
    op_type=1 string, node_name=2 string, func_name=3 string
RepresentativeDataSample
    tensor_proto_inputs=2 {string: tensorflow.TensorProto}
RepresentativeDatasetFile
    (dataset_file: tfrecord_file_path=1 string)
QuantizationOptions
    quantization_method=1 QuantizationMethod, op_set=2 OpSet,
    unit_wise_quantization_specs=17 UnitWiseQuantizationSpec*, tags=5 string*,
    signature_keys=6 string*, representative_datasets=7 {string: RepresentativeDatasetFile},
    min_num_elements_for_weights=8 int64, freeze_all_variables=9 bool?,
    enable_per_channel_quantization=10 bool?, enable_two_input_tensors=11 bool,
    experimental_enable_tpu_model_support=12 bool, enable_legacy_weight_only=13 bool,
    force_graph_mode_calibration=14 bool,
    calibration_options=15 stablehlo.quantization.CalibrationOptions,
    debugger_config=16 stablehlo.quantization.DebuggerConfig
""",
    uses=[tensor.SCHEMA, STABLEHLO],
    package="tensorflow.quantization",
)

QuantizationMethod = SCHEMA["QuantizationMethod"]
QuantizationComponentSpec = SCHEMA["QuantizationComponentSpec"]
UnitWiseQuantizationSpec = SCHEMA["UnitWiseQuantizationSpec"]
QuantizationOptions = SCHEMA["QuantizationOptions"]
RepresentativeDataSample = SCHEMA["RepresentativeDataSample"]
RepresentativeDatasetFile = SCHEMA["RepresentativeDatasetFile"]

# The axes of a convolution of uniformly quantized integers.
UNIFORM = Schema(
    "uniform_quantization",
    """
UniformQuantizedConvolutionDimensionNumbersAttr
    input_batch_dimension=1 int64, input_feature_dimension=2 int64, input_spatial_dimensions=3 int64*,
    kernel_input_feature_dimension=4 int64, kernel_output_feature_dimension=5 int64,
    kernel_spatial_dimensions=6 int64*, output_batch_dimension=7 int64,
    output_feature_dimension=8 int64, output_spatial_dimensions=9 int64*
""",
)
ConvolutionDimensions = UNIFORM["UniformQuantizedConvolutionDimensionNumbersAttr"]

QuantizationMethod.__doc__ = """Quantization of a model or a part of it.

Attributes:
  preset_method: one of the usual methods.
  quantization_component_specs: what holds for activations, weights and biases.
"""
QuantizationComponentSpec.__doc__ = """The type to which one component of ops is quantized.

Attributes:
  quantization_component: activations, weights or biases.
  tensor_type: of how many bits.
"""
UnitWiseQuantizationSpec.__doc__ = """A method for some units of a model.

Attributes:
  unit: the units, by op, node or function.
  quantization_method: theirs.
"""
QuantizationOptions.__doc__ = """All options of quantizing a model.

Attributes:
  quantization_method: the method.
  op_set: the ops of the result.
  unit_wise_quantization_specs: other methods for some units.
  tags, signature_keys: which parts of the SavedModel are quantized.
"""
