"""The gRPC API, as TensorFlow Serving has it.

In: gRPC's calls, through grpcio's server in our event loop. Out: messages of `protos/`. Read `server.py` first (methods by service), then `prediction.py`.
`generation.py` streams tokens, `open_inference.py` speaks KServe's protocol, `model_service.py` has the states and configuration of models, `health.py` and `reflection.py` gRPC's own services,
`calls.py` parses requests and reports errors.
"""
