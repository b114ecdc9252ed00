"""Runs a model in its own runtime: `python child.py RUNTIME MODEL INPUTS OUTPUTS REPEATS DELEGATES`, in an environment that has the runtime.

INPUTS and OUTPUTS are .npz files with arrays named by their positions. A line of JSON has the seconds of processor time that a call took. Nothing of Penstock
is imported.
"""

import json
import sys
import time

import numpy as np


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
    """Returns a function that runs the model's default signature once."""
    import tensorflow as tf

    loaded = tf.saved_model.load(model)
    function = loaded.signatures["serving_default"]
    names = list(function.structured_input_signature[1])
    arguments = {name: tf.constant(x) for name, x in zip(sorted(names), given, strict=True)}
    return lambda: [x.numpy() for _, x in sorted(function(**arguments).items())]


def main(runtime, model, inputs, outputs, repeats, delegates):
    with np.load(inputs) as held:
        given = [held[str(i)] for i in range(len(held.files))]
    run = globals()[runtime.replace("-", "_")](model, given, int(delegates))
    results = run()
    np.savez(outputs, **{str(i): np.asarray(x) for i, x in enumerate(results)})
    start = time.process_time()
    for _ in range(int(repeats)):
        run()
    print(json.dumps({"seconds": (time.process_time() - start) / int(repeats)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
