"""Triton's client calls the server: python client.py REST_PORT GRPC_PORT."""

import sys

import numpy as np
import tritonclient.grpc
import tritonclient.http

DTYPES = "float32 float64 float16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool".split()
NAMES = {"float": "FP", "int": "INT", "uint": "UINT"}


def datatype(dtype):
    if dtype == "bool":
        return "BOOL"
    kind = dtype.rstrip("0123456789")
    return NAMES[kind] + dtype.removeprefix(kind)


def arrays(rows):
    random = np.random.default_rng(rows)
    made = {dtype: (random.random((rows, 3)) * 100).astype(dtype) for dtype in DTYPES}
    texts = [b"", b"a", "ä€".encode()] * rows
    return {**made, "string": np.array(texts, object).reshape(rows, 3)}


def check(library, client, rows, **options):
    sent = arrays(rows)
    inputs = []
    for name, array in sent.items():
        kind = "BYTES" if name == "string" else datatype(name)
        inputs.append(library.InferInput(name, array.shape, kind))
        # JSON has no float16 in this client.
        binary = options.get("binary", True) or name == "float16"
        given = {} if library is tritonclient.grpc else {"binary_data": binary}
        inputs[-1].set_data_from_numpy(array, **given)
    outputs = None
    if library is tritonclient.http:
        as_bytes = options.get("binary", True)
        outputs = [
            library.InferRequestedOutput(name, binary_data=as_bytes or name == "float16")
            for name in sent
        ]
    result = client.infer("same", inputs, outputs=outputs, request_id="9")
    for name, array in sent.items():
        found = result.as_numpy(name)
        if found.dtype == object and found.size and isinstance(found.flat[0], str):
            found = np.array([t.encode() for t in found.flat], object).reshape(found.shape)
        np.testing.assert_array_equal(found, array, name)


def main(rest_port, grpc_port):
    for library, port in ((tritonclient.http, rest_port), (tritonclient.grpc, grpc_port)):
        client = library.InferenceServerClient(f"127.0.0.1:{port}")
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready("same") and client.is_model_ready("same", "5")
        assert not client.is_model_ready("same", "6")
        metadata = client.get_model_metadata("same")
        versions = metadata["versions"] if isinstance(metadata, dict) else metadata.versions
        assert list(versions) == ["5"]
        for rows in (1, 40):
            check(library, client, rows)
            if library is tritonclient.http:
                check(library, client, rows, binary=False)
        client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
