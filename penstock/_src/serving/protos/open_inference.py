"""Messages of the Open Inference Protocol, KServe's version 2."""

from penstock._src.proto.schema import Schema

SCHEMA = Schema(
    "open_inference",
    """
ServerLiveRequest
ServerLiveResponse
    live=1 bool
ServerReadyRequest
ServerReadyResponse
    ready=1 bool
ModelReadyRequest
    name=1 string, version=2 string
ModelReadyResponse
    ready=1 bool
ServerMetadataRequest
ServerMetadataResponse
    name=1 string, version=2 string, extensions=3 string*
ModelMetadataRequest
    name=1 string, version=2 string
ModelMetadataResponse
    name=1 string, versions=2 string*, platform=3 string, inputs=4 TensorMetadata*,
    outputs=5 TensorMetadata*
ModelMetadataResponse.TensorMetadata
    name=1 string, datatype=2 string, shape=3 int64*
InferParameter
    (parameter_choice: bool_param=1 bool, int64_param=2 int64, string_param=3 string,
    double_param=4 double, uint64_param=5 uint64)
InferTensorContents
    bool_contents=1 bool*, int_contents=2 int32*, int64_contents=3 int64*, uint_contents=4 uint32*,
    uint64_contents=5 uint64*, fp32_contents=6 float*, fp64_contents=7 double*,
    bytes_contents=8 bytes*
ModelInferRequest
    model_name=1 string, model_version=2 string, id=3 string, parameters=4 {string: InferParameter},
    inputs=5 InferInputTensor*, outputs=6 InferRequestedOutputTensor*, raw_input_contents=7 bytes*
ModelInferRequest.InferInputTensor
    name=1 string, datatype=2 string, shape=3 int64*, parameters=4 {string: InferParameter},
    contents=5 InferTensorContents
ModelInferRequest.InferRequestedOutputTensor
    name=1 string, parameters=2 {string: InferParameter}
ModelInferResponse
    model_name=1 string, model_version=2 string, id=3 string, parameters=4 {string: InferParameter},
    outputs=5 InferOutputTensor*, raw_output_contents=6 bytes*
ModelInferResponse.InferOutputTensor
    name=1 string, datatype=2 string, shape=3 int64*, parameters=4 {string: InferParameter},
    contents=5 InferTensorContents
""",
    package="inference",
)

ModelInferResponse = SCHEMA["ModelInferResponse"]
ModelMetadataResponse = SCHEMA["ModelMetadataResponse"]
ModelReadyResponse = SCHEMA["ModelReadyResponse"]
ServerLiveResponse = SCHEMA["ServerLiveResponse"]
ServerMetadataResponse = SCHEMA["ServerMetadataResponse"]
ServerReadyResponse = SCHEMA["ServerReadyResponse"]
# {method: (request, reply)}
METHODS = {
    name: (SCHEMA[f"{name}Request"], SCHEMA[f"{name}Response"])
    for name in (
        "ServerLive",
        "ServerReady",
        "ModelReady",
        "ServerMetadata",
        "ModelMetadata",
        "ModelInfer",
    )
}
