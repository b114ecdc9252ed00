"""Requests and replies of PredictionService and ModelService."""

from penstock._src.proto import example, graph, saved, tensor
from penstock._src.proto.schema import Schema

SCHEMA = Schema(
    "serving_apis",
    """
ModelSpec
    name=1 string, (version_choice: version=2 google.protobuf.Int64Value,
    version_label=4 string), signature_name=3 string
ExampleList
    examples=1 Example*
ExampleListWithContext
    examples=1 Example*, context=2 Example
Input
    (kind: example_list=1 ExampleList, example_list_with_context=2 ExampleListWithContext)
PredictRequest
    model_spec=1 ModelSpec, inputs=2 {string: TensorProto}, output_filter=3 string*
PredictResponse
    model_spec=2 ModelSpec, outputs=1 {string: TensorProto}
Class
    label=1 string, score=2 float
Classifications
    classes=1 Class*
ClassificationResult
    classifications=1 Classifications*
ClassificationRequest
    model_spec=1 ModelSpec, input=2 Input
ClassificationResponse
    model_spec=2 ModelSpec, result=1 ClassificationResult
Regression
    value=1 float
RegressionResult
    regressions=1 Regression*
RegressionRequest
    model_spec=1 ModelSpec, input=2 Input
RegressionResponse
    model_spec=2 ModelSpec, result=1 RegressionResult
InferenceTask
    model_spec=1 ModelSpec, method_name=2 string
InferenceResult
    model_spec=1 ModelSpec, (result: classification_result=2 ClassificationResult,
    regression_result=3 RegressionResult)
MultiInferenceRequest
    tasks=1 InferenceTask*, input=2 Input
MultiInferenceResponse
    results=1 InferenceResult*
SignatureDefMap
    signature_def=1 {string: SignatureDef}
GetModelMetadataRequest
    model_spec=1 ModelSpec, metadata_field=2 string*
GetModelMetadataResponse
    model_spec=1 ModelSpec, metadata=2 {string: google.protobuf.Any}
StatusProto
    error_code=1 error.Code, error_message=2 string
GetModelStatusRequest
    model_spec=1 ModelSpec
ModelVersionStatus
    version=1 int64, state=2 State, status=3 StatusProto
enum ModelVersionStatus.State
    UNKNOWN=0, START=10, LOADING=20, AVAILABLE=30, UNLOADING=40, END=50
GetModelStatusResponse
    model_version_status=1 ModelVersionStatus*
""",
    uses=[tensor.SCHEMA, graph.SCHEMA, example.SCHEMA, saved.SCHEMA, saved.ERRORS],
    package="tensorflow.serving",
)

ModelSpec = SCHEMA["ModelSpec"]
Input = SCHEMA["Input"]
PredictRequest = SCHEMA["PredictRequest"]
PredictResponse = SCHEMA["PredictResponse"]
ClassificationResult = SCHEMA["ClassificationResult"]
ClassificationRequest = SCHEMA["ClassificationRequest"]
ClassificationResponse = SCHEMA["ClassificationResponse"]
RegressionResult = SCHEMA["RegressionResult"]
RegressionRequest = SCHEMA["RegressionRequest"]
RegressionResponse = SCHEMA["RegressionResponse"]
InferenceTask = SCHEMA["InferenceTask"]
InferenceResult = SCHEMA["InferenceResult"]
MultiInferenceRequest = SCHEMA["MultiInferenceRequest"]
MultiInferenceResponse = SCHEMA["MultiInferenceResponse"]
SignatureDefMap = SCHEMA["SignatureDefMap"]
GetModelMetadataRequest = SCHEMA["GetModelMetadataRequest"]
GetModelMetadataResponse = SCHEMA["GetModelMetadataResponse"]
StatusProto = SCHEMA["StatusProto"]
GetModelStatusRequest = SCHEMA["GetModelStatusRequest"]
ModelVersionStatus = SCHEMA["ModelVersionStatus"]
GetModelStatusResponse = SCHEMA["GetModelStatusResponse"]
State = SCHEMA["ModelVersionStatus.State"]
