"""The gRPC API, as TensorFlow Serving has it.

In: gRPC's calls, through our own server over HTTP/2. Out: messages of `protos/`. Read `services.py` first (methods by service), then `prediction.py`.
`http2/` is the server, `gate.py` looks at keys and notes calls, `metrics.py` counts them. `generation.py` streams tokens, `open_inference.py` speaks KServe's protocol,
`model_service.py` has the states and configuration of models, `health.py` and `reflection.py` gRPC's own services, `calls.py` parses requests and makes statuses of errors.
"""
