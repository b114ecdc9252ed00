"""`penstock serve`: models behind REST and gRPC, as TensorFlow Serving offers them.

In: folders of models. Out: replies to requests. `models/` finds and loads versions of models, `batching/` joins requests and runs them,
`generation/` generates tokens for several sequences at a time, `inference/` is what requests mean, whatever protocol they come by, `rest/` and
`grpc/` speak the protocols, `protos/` has their messages, `telemetry/` counts and traces what they do. Read `server.py` first: it puts these together; `processes/`
is where it runs. `client/` asks servers. The command is `bridge/cli/serve.py`.
"""
