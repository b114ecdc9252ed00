"""Operations over rows that other tensors name: segments, sequences of several lengths, diagonals, and broadcast shapes."""

from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation

_SEGMENTS = {
    "SegmentSum": "SEGMENT_SUM",
    "UnsortedSegmentMax": "UNSORTED_SEGMENT_MAX",
    "UnsortedSegmentMin": "UNSORTED_SEGMENT_MIN",
    "UnsortedSegmentProd": "UNSORTED_SEGMENT_PROD",
    "UnsortedSegmentSum": "UNSORTED_SEGMENT_SUM",
}


@writes(*_SEGMENTS)
def segments(graph: GraphWriter, operation: Operation) -> None:
    data, *indices = operation.inputs
    places = [graph.place(data), *(graph.integers(tensor) for tensor in indices)]
    graph.add(_SEGMENTS[operation.type], operation, places)


@writes("BroadcastArgs")
def broadcast_args(graph: GraphWriter, operation: Operation) -> None:
    graph.add("BROADCAST_ARGS", operation)


@writes("ReverseSequence")
def reverse_sequence(graph: GraphWriter, operation: Operation) -> None:
    op = operation.raw_op
    options = SCHEMA["ReverseSequenceOptions"](seq_dim=op.seq_dim, batch_dim=op.batch_dim)
    graph.add("REVERSE_SEQUENCE", operation, options=options)


@writes("SparseToDense")
def sparse_to_dense(graph: GraphWriter, operation: Operation) -> None:
    options = SCHEMA["SparseToDenseOptions"](validate_indices=operation.raw_op.validate_indices)
    graph.add("SPARSE_TO_DENSE", operation, options=options)


@writes("Bucketize")
def bucketize(graph: GraphWriter, operation: Operation) -> None:
    boundaries = list(operation.raw_op.boundaries)
    graph.add("BUCKETIZE", operation, options=SCHEMA["BucketizeOptions"](boundaries=boundaries))


@writes("MatrixDiag", "MatrixDiagV2", "MatrixDiagV3")
def matrix_diag(graph: GraphWriter, operation: Operation) -> None:
    if operation.type != "MatrixDiag":
        names = "another diagonal", "a number of rows", "a number of columns", "padding"
        for i, (name, usual) in enumerate(zip(names, (0, -1, -1, 0)), 1):
            if (graph.known(operation, i) != usual).any():
                raise graph.unimplemented(operation, name)
    places = [graph.place(operation.inputs[0])]
    graph.add("MATRIX_DIAG", operation, places, SCHEMA["MatrixDiagOptions"]())


@writes("MatrixSetDiag", "MatrixSetDiagV2", "MatrixSetDiagV3")
def matrix_set_diag(graph: GraphWriter, operation: Operation) -> None:
    if operation.type != "MatrixSetDiag" and graph.known(operation, 2).any():
        raise graph.unimplemented(operation, "another diagonal")
    places = [graph.place(tensor) for tensor in operation.inputs[:2]]
    graph.add("MATRIX_SET_DIAG", operation, places, SCHEMA["MatrixSetDiagOptions"]())
