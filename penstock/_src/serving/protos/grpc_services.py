"""Messages of gRPC's own services, health and reflection, and the services that a server has."""

from google.protobuf import descriptor_pb2

from penstock._src.proto.schema import POOL, Schema
from penstock._src.serving.protos import apis, config, generation, open_inference

HEALTH = Schema(
    "grpc_health",
    """
HealthCheckRequest
    service=1 string
HealthCheckResponse
    status=1 ServingStatus
enum HealthCheckResponse.ServingStatus
    UNKNOWN=0, SERVING=1, NOT_SERVING=2, SERVICE_UNKNOWN=3
""",
    package="grpc.health.v1",
)
HealthCheckRequest = HEALTH["HealthCheckRequest"]
HealthCheckResponse = HEALTH["HealthCheckResponse"]

_REFLECTION = """
ServerReflectionRequest
    host=1 string, (message_request: file_by_filename=3 string, file_containing_symbol=4 string,
    file_containing_extension=5 ExtensionRequest, all_extension_numbers_of_type=6 string,
    list_services=7 string)
ExtensionRequest
    containing_type=1 string, extension_number=2 int32
ServerReflectionResponse
    valid_host=1 string, original_request=2 ServerReflectionRequest,
    (message_response: file_descriptor_response=4 FileDescriptorResponse,
    all_extension_numbers_response=5 ExtensionNumberResponse,
    list_services_response=6 ListServiceResponse, error_response=7 ErrorResponse)
FileDescriptorResponse
    file_descriptor_proto=1 bytes*
ExtensionNumberResponse
    base_type_name=1 string, extension_number=2 int32*
ListServiceResponse
    service=1 ServiceResponse*
ServiceResponse
    name=1 string
ErrorResponse
    error_code=1 int32, error_message=2 string
"""
# The two versions of the service have messages of one form.
REFLECTION = {
    version: Schema(f"grpc_reflection_{version}", _REFLECTION, package=f"grpc.reflection.{version}")
    for version in ("v1", "v1alpha")
}

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
GENERATION_SERVICE = "penstock.serving.GenerationService"
OPEN_INFERENCE_SERVICE = "inference.GRPCInferenceService"
HEALTH_SERVICE = "grpc.health.v1.Health"
# {service: {method: (request, reply)}}
METHODS = {
    PREDICTION_SERVICE: {
        "Classify": (apis.ClassificationRequest, apis.ClassificationResponse),
        "Regress": (apis.RegressionRequest, apis.RegressionResponse),
        "Predict": (apis.PredictRequest, apis.PredictResponse),
        "MultiInference": (apis.MultiInferenceRequest, apis.MultiInferenceResponse),
        "GetModelMetadata": (apis.GetModelMetadataRequest, apis.GetModelMetadataResponse),
    },
    MODEL_SERVICE: {
        "GetModelStatus": (apis.GetModelStatusRequest, apis.GetModelStatusResponse),
        "HandleReloadConfigRequest": (config.ReloadConfigRequest, config.ReloadConfigResponse),
    },
    GENERATION_SERVICE: {
        "Generate": (generation.GenerateRequest, generation.GenerateResponse),
    },
    OPEN_INFERENCE_SERVICE: open_inference.METHODS,
    HEALTH_SERVICE: {
        "Check": (HealthCheckRequest, HealthCheckResponse),
        "Watch": (HealthCheckRequest, HealthCheckResponse),
    },
}
STREAMED = {"Watch", "Generate"}  # their replies


def _add_services() -> None:
    """Adds the services to the pool, for reflection."""
    for service, methods in METHODS.items():
        package, _, name = service.rpartition(".")
        file = descriptor_pb2.FileDescriptorProto(
            name=f"penstock/{name}.proto", package=package, syntax="proto3"
        )
        added = file.service.add(name=name)
        needed = set()
        for method, (request, reply) in methods.items():
            added.method.add(
                name=method,
                input_type=f".{request.DESCRIPTOR.full_name}",
                output_type=f".{reply.DESCRIPTOR.full_name}",
                server_streaming=method in STREAMED,
            )
            needed |= {request.DESCRIPTOR.file.name, reply.DESCRIPTOR.file.name}
        file.dependency.extend(sorted(needed))
        POOL.AddSerializedFile(file.SerializeToString())


_add_services()
