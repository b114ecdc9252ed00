"""Models for browsers, one sample a call, in node: our WebAssembly beside the runtimes that browsers load."""

import json
import pathlib
import subprocess
import tempfile

TITLE = "WebAssembly"
NOTE = (
    "A call with one sample in node, one thread each, with SIMD: a module of `penstock build --target wasm32` beside TensorFlow.js (its wasm backend, a graph model "
    "that `penstock export --tfjs` wrote) and ONNX Runtime Web (its wasm backend, the file of `penstock export --onnx`). Results are held to Penstock's own "
    "before they are timed. `one_us`: µs of a call, its result read. `start_ms`: from scripts that are loaded to the first answer."
)
BACKENDS = ["penstock", "tfjs-wasm", "onnxruntime-web"]
CASES = ["mlp", "convolutional", "residual", "recurrent", "transformer", "mobilenet"]
LOWER = {"one_us", "start_ms"}
SECONDS = 3
TOLERANCE = 1e-4  # of the largest value
PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "browser" / "call.mjs"


def measure(case, backend):
    """Times calls of a model in node."""
    import peers

    with tempfile.TemporaryDirectory() as folder:
        write_case(case, backend, folder)
        command = ["node", str(PROGRAM), backend, folder, str(peers.node_packages()), str(SECONDS)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    return json.loads(line[7:])


def write_case(case, backend, folder):
    """Writes a model as a backend wants it, its input and what Penstock computes from it."""
    import numpy as np

    from penstock._src.aot.build import BuildOptions, build, write
    from penstock._src.formats.keras.reading import traced
    from penstock._src.formats.model import of_function
    from penstock._src.formats.table import FORMATS
    from suites.inference import sample

    model, x = sample(case)
    x, function, place = np.ascontiguousarray(x[:1]), traced(model), pathlib.Path(folder)
    if backend == "penstock":
        options = BuildOptions(target="wasm32")
        write(build({"serving_default": function}, "model", options), place / "wasm", options)
    elif backend == "tfjs-wasm":
        FORMATS["tfjs"].write(of_function(function, model), str(place / "tfjs"))
    else:
        FORMATS["onnx"].write(of_function(function, model), str(place / "model.onnx"))
    (place / "x.bin").write_bytes(x.tobytes())
    (place / "y.bin").write_bytes(np.asarray(model(x, training=False)).tobytes())
    given = {"name": model.inputs[0].name, "shape": x.shape, "type": str(x.dtype)}
    (place / "call.json").write_text(json.dumps({"input": given, "tolerance": TOLERANCE}))
