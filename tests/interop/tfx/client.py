"""python client.py PORT VALUES: prints what a server's model gives for the examples of a file of values; it waits until the server is up."""

import base64
import json
import sys
from pathlib import Path

import grpc

import penstock as tf

port, values = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
keys = list(values["predictions"])
with grpc.insecure_channel(f"localhost:{port}") as channel:
    grpc.channel_ready_future(channel).result(timeout=60)
with tf.serving.Client(f"grpc://localhost:{port}/models/penguin") as client:
    outputs = client.predict([base64.b64decode(key) for key in keys])["outputs"]
print(json.dumps(dict(zip(keys, outputs.tolist(), strict=True))))
