"""Records of warm-up files: requests that were answered."""

from penstock._src.proto.schema import Schema
from penstock._src.serving.protos import apis

SCHEMA = Schema(
    "serving_logs",
    """
ClassifyLog
    request=1 ClassificationRequest, response=2 ClassificationResponse
RegressLog
    request=1 RegressionRequest, response=2 RegressionResponse
PredictLog
    request=1 PredictRequest, response=2 PredictResponse
MultiInferenceLog
    request=1 MultiInferenceRequest, response=2 MultiInferenceResponse
PredictionLog
    (log_type: classify_log=2 ClassifyLog, regress_log=3 RegressLog, predict_log=6 PredictLog,
    multi_inference_log=4 MultiInferenceLog)
""",
    uses=[apis.SCHEMA],
    package="tensorflow.serving",
)

PredictionLog = SCHEMA["PredictionLog"]
