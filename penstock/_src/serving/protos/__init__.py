"""Messages of TensorFlow Serving and of other services, written from their published field numbers; `make interop` holds them to the official package.

In: the schema language of `proto/schema.py`. Out: classes of messages. `apis.py` has requests and replies, `config.py` the configuration files
of models, batching and monitoring, `logs.py` the records of warm-up files, `generation.py` our own service, `open_inference.py` KServe's protocol,
`grpc_services.py` the methods of the gRPC services, health and reflection.
"""
