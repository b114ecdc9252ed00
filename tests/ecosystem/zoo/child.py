"""Runs a model in its own runtime: `python child.py RUNTIME MODEL INPUTS OUTPUTS DELEGATES`, in an environment that has the runtime.

INPUTS and OUTPUTS are .npz files with arrays named by their positions. A line of JSON has the seconds of processor time that a call took. Nothing of Penstock
is imported.
"""

import json
import sys
import time

import numpy as np

ROUNDS, CALLS, SECONDS = 5, 2, 0.06  # the least number of calls of a round, and its least time


def time_of(run):
    """Returns the processor time of a call: the least of the rounds' means, since other processes only add to it."""
    return min(_mean(run) for _ in range(ROUNDS))


def _mean(run):
    calls, start = 0, time.process_time()
    while calls < CALLS or time.process_time() - start < SECONDS:
        run()
        calls += 1
    return (time.process_time() - start) / calls


def onnxruntime(model, given, delegates):
    """Returns a function that runs the model once."""
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    # On processors without VNNI, products of bytes saturate without this.
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    return lambda: session.run(None, dict(zip(names, given, strict=True)))


def ai_edge_litert(model, given, delegates):
    """Returns a function that runs the model once."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kind = "AUTO" if delegates else "BUILTIN_WITHOUT_DEFAULT_DELEGATES"
    interpreter = Interpreter(
        model, num_threads=1, experimental_op_resolver_type=OpResolverType[kind]
    )
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    named = {detail["name"]: detail for detail in outputs}
    for key in interpreter.get_signature_list():
        named = interpreter.get_signature_runner(key).get_output_details()
    outputs = [named[name] for name in sorted(named)]
    for detail, array in zip(inputs, given, strict=True):
        if tuple(detail["shape"]) != array.shape:
            interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()

    def run():
        # State that the model keeps begins anew for each call.
        interpreter.reset_all_variables()
        for detail, array in zip(inputs, given, strict=True):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        return [interpreter.get_tensor(detail["index"]) for detail in outputs]

    return run


def tensorflow(model, given, delegates):
    """Returns a function that runs the model, or a SavedModel's default signature, once."""
    import tensorflow as tf

    if model.endswith((".h5", ".hdf5", ".keras")):
        whole = tf.keras.models.load_model(model, compile=False)
        values = given if len(given) > 1 else given[0]
        return lambda: tf.nest.flatten(whole(values))
    loaded = tf.saved_model.load(model)
    function = loaded.signatures["serving_default"]
    names = list(function.structured_input_signature[1])
    arguments = {name: tf.constant(x) for name, x in zip(sorted(names), given, strict=True)}
    return lambda: [x.numpy() for _, x in sorted(function(**arguments).items())]


_MEDIAPIPE = """
input_stream: "image"
node {{
  calculator: "TensorConverterCalculator" input_stream: "IMAGE:image" output_stream: "TENSORS:pixels"
  options {{ [mediapipe.TensorConverterCalculatorOptions.ext] {{
    zero_center: false output_tensor_float_range {{ min: 0 max: 1 }} }} }} }}
node {{
  calculator: "TfLiteCustomOpResolverCalculator" output_side_packet: "OP_RESOLVER:ops"
  options {{ [mediapipe.TfLiteCustomOpResolverCalculatorOptions.ext] {{ use_gpu: false }} }} }}
node {{
  calculator: "InferenceCalculator" input_side_packet: "OP_RESOLVER:ops"
  input_stream: "TENSORS:pixels" output_stream: "TENSORS:results"
  options {{ [mediapipe.InferenceCalculatorOptions.ext] {{
    model_path: "{model}" delegate {{ tflite {{}} }} }} }} }}
node {{
  calculator: "SplitTensorVectorCalculator" input_stream: "results" {streams}
  options {{ [mediapipe.SplitVectorCalculatorOptions.ext] {{ {ranges} }} }} }}
"""
_MEDIAPIPE_FLOATS = """
output_stream: "floats{i}"
node {{
  calculator: "TensorsToFloatsCalculator" input_stream: "TENSORS:result{i}"
  output_stream: "FLOATS:floats{i}" }}
"""


def mediapipe(model, given, delegates):
    """Returns a function that runs the model once, on an image; MediaPipe gives results without shapes."""
    import mediapipe as mp
    from mediapipe.tasks.metadata import schema_py_generated as schema

    with open(model, "rb") as file:
        graph = schema.Model.GetRootAs(file.read()).Subgraphs(0)
    tensors = [graph.Tensors(i) for i in graph.OutputsAsNumpy()]
    shapes = [tensor.ShapeAsNumpy() for tensor in tensors]
    order = sorted(range(len(tensors)), key=lambda i: tensors[i].Name())
    count = range(len(shapes))
    text = _MEDIAPIPE.format(
        model=model,
        streams=" ".join(f'output_stream: "result{i}"' for i in count),
        ranges=" ".join(f"ranges: {{ begin: {i} end: {i + 1} }}" for i in count),
    ) + "".join(_MEDIAPIPE_FLOATS.format(i=i) for i in count)
    pixels = np.round(given[0][0] * 255).astype(np.uint8)
    image = mp.packet_creator.create_image_frame(image_format=mp.ImageFormat.SRGB, data=pixels)
    running, found = mp.CalculatorGraph(graph_config=text), {}

    def kept(name, packet):
        found[name] = np.array(mp.packet_getter.get_float_list(packet), np.float32)

    for i in count:
        running.observe_output_stream(f"floats{i}", kept)
    running.start_run()
    times = iter(range(1 << 20))

    def run():
        running.add_packet_to_input_stream("image", image.at(next(times)))
        running.wait_until_idle()
        return [found[f"floats{i}"].reshape(shapes[i]) for i in order]

    return run


def _plain(x):
    """Texts as bytes of one length, which NumPy's files take."""
    if x.dtype.kind not in "OU":
        return x
    encoded = [t.encode() if isinstance(t, str) else t for t in x.ravel().tolist()]
    return np.array(encoded, np.bytes_).reshape(x.shape)


def main(runtime, model, inputs, outputs, delegates):
    with np.load(inputs) as held:
        given = [held[str(i)] for i in range(len(held.files))]
    run = globals()[runtime.partition("==")[0].replace("-", "_")](model, given, int(delegates))
    results = run()
    np.savez(outputs, **{str(i): _plain(np.asarray(x)) for i, x in enumerate(results)})
    print(json.dumps({"seconds": time_of(run)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
