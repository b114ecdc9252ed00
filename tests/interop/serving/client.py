"""Writes models with TensorFlow, and calls a server with the official messages and stubs."""

import json
import sys
import urllib.request
from pathlib import Path

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1


def half_plus_two(folder):
    """The program of TensorFlow Serving's examples, by a session."""
    with tf.Graph().as_default(), v1.Session() as session:
        examples = v1.placeholder(tf.string, name="tf_example")
        spec = {"x": tf.io.FixedLenFeature([1], tf.float32)}
        x = tf.identity(tf.io.parse_example(examples, spec)["x"], name="x")
        y = tf.add(v1.Variable(0.5) * x, v1.Variable(2.0), name="y")
        session.run(v1.global_variables_initializer())
        build = v1.saved_model.signature_def_utils
        signatures = {
            "serving_default": build.predict_signature_def({"x": x}, {"y": y}),
            "regress_x_to_y": build.regression_signature_def(examples, y),
            "classify_x_to_y": build.classification_signature_def(examples, None, y),
        }
        builder = v1.saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.save()


def small_resnet(folder):
    """A function of images with residual blocks, by Keras; returns an input and the result."""
    keras = tf.keras
    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(16, 3, padding="same")(inputs)
    for _ in range(3):
        y = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        x = keras.layers.Add()([x, keras.layers.Conv2D(16, 3, padding="same")(y)])
    outputs = keras.layers.Dense(10, "softmax")(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, outputs)
    model.export(folder, verbose=False)
    images = np.random.default_rng(0).standard_normal((5, 32, 32, 3)).astype(np.float32)
    return images, model(images).numpy()


def types(folder):
    """A function of a tensor of each dtype that requests hold; returns inputs."""
    names = "float32 float64 int32 uint8 int16 int8 int64 bool bfloat16 float16 uint16 uint32 uint64 complex64 complex128"
    kinds = [tf.as_dtype(name) for name in names.split()]

    class Identities(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec([None], k, k.name) for k in [*kinds, tf.string]]
        )
        def __call__(self, *given):
            return {f"{t.dtype.name}_out": tf.identity(t) for t in given}

    tf.saved_model.save(Identities(), folder)
    given = {k.name: tf.cast([0, 1, 1], k).numpy() for k in kinds}
    return {**given, "string": np.array([b"", b"\xff", b"text"], object)}


def write(root):
    half_plus_two(f"{root}/half/123")
    images, labels = small_resnet(f"{root}/resnet/1")
    given = types(f"{root}/types/1")
    np.savez(f"{root}/expected.npz", images=images, labels=labels)
    return given


def call(root, port, rest_port):
    import grpc
    from tensorflow_serving.apis import (
        classification_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        inference_pb2,
        model_management_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
        regression_pb2,
    )

    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    models = model_service_pb2_grpc.ModelServiceStub(channel)
    example = tf.train.Example()
    example.features.feature["x"].float_list.value.append(80.0)

    request = predict_pb2.PredictRequest()
    request.model_spec.name = "half"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0, 2.0, 5.0]))
    reply = stub.Predict(request, 20)
    assert list(reply.outputs["y"].float_val) == [2.5, 3.0, 4.5], reply
    assert reply.model_spec.version.value == 123

    expected = np.load(f"{root}/expected.npz")
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "resnet"
    metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    metadata.model_spec.name = "resnet"
    found = get_model_metadata_pb2.SignatureDefMap()
    assert stub.GetModelMetadata(metadata, 20).metadata["signature_def"].Unpack(found)
    signature = found.signature_def["serving_default"]
    (name,), (output,) = signature.inputs, signature.outputs
    request.inputs[name].CopyFrom(tf.make_tensor_proto(expected["images"]))
    labels = tf.make_ndarray(stub.Predict(request, 20).outputs[output])
    np.testing.assert_allclose(labels, expected["labels"], rtol=1e-4, atol=1e-6)

    request = predict_pb2.PredictRequest()
    request.model_spec.name = "types"
    given = types(f"{root}/types_again")
    for name, array in given.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array, tf.as_dtype(name)))
    outputs = stub.Predict(request, 20).outputs
    for name, array in given.items():
        back = tf.make_ndarray(outputs[f"{name}_out"])
        assert back.dtype == array.dtype and back.tolist() == array.tolist(), name

    regress = regression_pb2.RegressionRequest()
    regress.model_spec.name, regress.model_spec.signature_name = "half", "regress_x_to_y"
    regress.input.example_list.examples.append(example)
    assert stub.Regress(regress, 20).result.regressions[0].value == 42.0
    classify = classification_pb2.ClassificationRequest()
    classify.model_spec.name, classify.model_spec.signature_name = "half", "classify_x_to_y"
    classify.input.example_list_with_context.context.CopyFrom(example)
    classify.input.example_list_with_context.examples.append(tf.train.Example())
    assert stub.Classify(classify, 20).result.classifications[0].classes[0].score == 42.0
    several = inference_pb2.MultiInferenceRequest()
    task = several.tasks.add(method_name="tensorflow/serving/regress")
    task.model_spec.CopyFrom(regress.model_spec)
    several.input.CopyFrom(regress.input)
    results = stub.MultiInference(several, 20).results
    assert results[0].regression_result.regressions[0].value == 42.0

    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "half"
    (held,) = models.GetModelStatus(status, 20).model_version_status
    assert (held.version, held.state) == (123, 30)
    reload = model_management_pb2.ReloadConfigRequest()
    entry = reload.config.model_config_list.config.add(name="half", base_path=f"{root}/half")
    entry.model_version_policy.specific.versions.append(123)
    entry.version_labels["stable"] = 123
    assert models.HandleReloadConfigRequest(reload, 60).status.error_code == 0
    request.Clear()
    request.model_spec.name, request.model_spec.version_label = "half", "stable"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([[4.0]]))
    assert tf.make_ndarray(stub.Predict(request, 20).outputs["y"]).tolist() == [[4.0]]

    body = json.dumps({"instances": [1.0, 2.0, 5.0]}).encode()
    with urllib.request.urlopen(
        f"http://127.0.0.1:{rest_port}/v1/models/half:predict", body
    ) as reply:
        assert json.load(reply) == {"predictions": [2.5, 3.0, 4.5]}


if __name__ == "__main__":
    what, root, *ports = sys.argv[1:]
    Path(root).mkdir(exist_ok=True)
    write(root) if what == "write" else call(root, *map(int, ports))
