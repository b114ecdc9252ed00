"""Messages of our own service, which generates tokens."""

from penstock._src.proto.schema import Schema
from penstock._src.serving.protos import apis

SCHEMA = Schema(
    "serving_generation",
    """
Tokens
    values=1 int32*
GenerateRequest
    model_spec=1 tensorflow.serving.ModelSpec, (prompt: text=2 string, tokens=3 Tokens),
    max_tokens=4 int32?, temperature=5 double?, top_k=6 int32, top_p=7 double?, seed=8 uint64?,
    stop=9 string*, stop_tokens=10 int32*, min_p=11 double, repetition_penalty=12 double?,
    presence_penalty=13 double, frequency_penalty=14 double, logit_bias=15 {int32: double}
GenerateResponse
    tokens=1 int32*, text=2 string, finish_reason=3 string, prompt_tokens=4 int32
""",
    uses=[apis.SCHEMA],
    package="penstock.serving",
)

GenerateRequest = SCHEMA["GenerateRequest"]
GenerateResponse = SCHEMA["GenerateResponse"]
