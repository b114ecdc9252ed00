"""`penstock serve`: models served by REST and gRPC, as TensorFlow Serving offers them.

In: folders of models. Out: replies to requests. `models/` finds and loads versions of models, `batching/` joins requests and runs them,
`generation/` generates tokens for several sequences at a time, `inference/` is what requests mean, whatever protocol they come by, `rest/` and
`grpc/` speak the protocols, `protos/` has their messages, `telemetry/` counts and traces what they do. Read `server.py` first: it puts these together; `processes/`
is where it runs. `client/` asks servers. The command is `bridge/cli/serve.py`.

Serving. `penstock serve` answers REST and gRPC as TensorFlow Serving does (`serving/`, `docs/serving.md`). A model is loaded as a *servable*:
functions over arrays. A protocol finds the version that a request asks for, makes arrays of it and puts it in the queue of the function; threads join
what waits, run it and split the outputs (`serving/batching/`). A queue runs one batch at a time, so requests gather exactly while one is running.
Batches have the sizes of a ladder (1, 2, 3, 4, 6, 8, 12, ...), each planned once; nothing is padded. The first joined batches are checked against
their requests computed alone. A table counts who uses a version, so one is unloaded when nobody does (`serving/models/`). Models that generate tokens
have a thread each, which computes a token of every running sequence at a time (`serving/generation/`): the cache is in variables, which programs
write in place, and only batches whose rows have equal bits are used. REST and gRPC run on one event loop; models run in threads. Its rooms have
layers too, low to high:

    protos requirements servables < batching trust < generation < models < telemetry < inference < rest grpc options < server client < processes
"""
