"""Datasets, and what is parsed."""

from tests.fuzz.advisories.case import calls, none, raw, text

NESTED = b"\x0a\x02\x08\x01" * 9


def _import_recursive(tf):
    """Imports a graph with a function that calls itself."""
    graph = tf.compat.v1.GraphDef()
    function = graph.library.function.add()
    function.signature.name = "again"
    node = function.node_def.add()
    node.name, node.op = "call", "again"
    graph.node.add(name="start", op="again")
    with tf.Graph().as_default():
        tf.compat.v1.import_graph_def(graph)


CASES = (
    calls("CVE-2021-37637", "CompressElement", lambda tf: tf.raw_ops.CompressElement(components=[])),
    calls("CVE-2021-37649", "UncompressElement", lambda tf: tf.raw_ops.UncompressElement(compressed=tf.raw_ops.EmptyTensorList(element_shape=[], max_num_elements=1, element_dtype=tf.float32), output_types=[tf.float32], output_shapes=[[]])),
    calls("CVE-2021-37650", "DatasetToTFRecord", lambda tf: tf.raw_ops.DatasetToTFRecord(input_dataset=tf.data.Dataset.range(3)._variant_tensor, filename="/tmp/never/x", compression_type="")),
    calls("CVE-2021-37650", "ExperimentalDatasetToTFRecord", lambda tf: tf.raw_ops.ExperimentalDatasetToTFRecord(input_dataset=tf.data.Dataset.from_tensors("a")._variant_tensor, filename="/tmp/never/x", compression_type="none such")),
    calls("CVE-2021-41203", "train.load_checkpoint", lambda tf: tf.train.load_checkpoint("/tmp/there is no such file")),
    calls("CVE-2020-15206", "saved_model.load", lambda tf: tf.saved_model.load("/tmp/there is no such folder")),
    calls("CVE-2021-29615", "io.parse_tensor", lambda tf: tf.io.parse_tensor(b"\x08\x01\x12\x0c\x12\x02\x08\x7f\x12\x06\x08\xff\xff\xff\xff\x07\x22\x01a", tf.float32)),
    raw("CVE-2022-23564", "ParseTensor", serialized=text(b"\x08\x07\x12\x04\x12\x02\x08\x05"), out_type="string"),
    raw("CVE-2022-23571", "ParseTensor", serialized=text(b"\x08\x15\x12\x00"), out_type="variant"),
    raw("CVE-2022-23571", "ParseTensor", serialized=text(b"\x08\x14\x12\x00"), out_type="resource"),
    raw("CVE-2022-29210", "DecodeProtoV2", bytes=text([NESTED]), message_type="no.Such", field_names=["a"], output_types=["int32"]),
    raw("CVE-2022-29210", "ParseExample", serialized=text([b"\xff" * 9]), names=none(0, dtype=object), sparse_keys=[], dense_keys=[], dense_defaults=[], sparse_types=[], dense_shapes=[]),
    calls("CVE-2022-29210", "io.parse_example", lambda tf: tf.io.parse_example([b"\n\xff\xff\xff\xff\x0f"], {"a": tf.io.FixedLenFeature([2**40], tf.float32)})),
    calls("CVE-2022-23591", "graph_util.import_graph_def", _import_recursive),
    calls("CVE-2021-37690", "data.Dataset.batch", lambda tf: tf.data.Dataset.range(3).batch(-5)),
    calls("CVE-2021-37690", "data.Dataset.shuffle", lambda tf: tf.data.Dataset.range(3).shuffle(-7)),
    calls("CVE-2021-37690", "data.Dataset.window", lambda tf: tf.data.Dataset.range(3).window(0, shift=-1)),
    calls("CVE-2021-37690", "data.Dataset.padded_batch", lambda tf: next(iter(tf.data.Dataset.range(3).padded_batch(2, [2**40])))),
    calls("CVE-2021-41200", "summary.create_file_writer", lambda tf: tf.summary.create_file_writer(None) and tf.raw_ops.SummaryWriter(shared_name="", container="")),
    calls("CVE-2021-41200", "summary.create_file_writer", lambda tf: tf.summary.flush(tf.constant([1, 2]))),
)  # fmt: skip
