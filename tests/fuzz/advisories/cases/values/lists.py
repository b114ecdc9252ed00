"""Tensor lists and arrays, and other values of graphs."""

from tests.fuzz.advisories.case import calls


def _list(tf, size=2):
    return tf.raw_ops.TensorListReserve(
        element_shape=[2], num_elements=size, element_dtype=tf.float32
    )


CASES = (
    calls("CVE-2021-37644", "TensorListReserve", lambda tf: tf.raw_ops.TensorListReserve(element_shape=[1], num_elements=-1, element_dtype=tf.float32)),
    calls("CVE-2022-35960", "TensorListReserve", lambda tf: tf.raw_ops.TensorListReserve(element_shape=[1], num_elements=tf.constant([1, 2]), element_dtype=tf.float32)),
    calls("CVE-2022-35960", "TensorListReserve", lambda tf: tf.raw_ops.TensorListReserve(element_shape=[1], num_elements=2**31 - 1, element_dtype=tf.float32)),
    calls("CVE-2022-35998", "EmptyTensorList", lambda tf: tf.raw_ops.EmptyTensorList(element_shape=tf.ones([2, 2], tf.int32), max_num_elements=1, element_dtype=tf.float32)),
    calls("CVE-2022-35998", "EmptyTensorList", lambda tf: tf.raw_ops.EmptyTensorList(element_shape=[1], max_num_elements=tf.constant([1, 2]), element_dtype=tf.float32)),
    calls("CVE-2022-35992", "TensorListFromTensor", lambda tf: tf.raw_ops.TensorListFromTensor(tensor=tf.ones([2, 2]), element_shape=tf.ones([2, 2], tf.int32))),
    calls("CVE-2022-35992", "TensorListFromTensor", lambda tf: tf.raw_ops.TensorListFromTensor(tensor=tf.ones([]), element_shape=[])),
    calls("CVE-2022-35991", "TensorListScatter", lambda tf: tf.raw_ops.TensorListScatter(tensor=tf.ones([2, 2]), indices=[0, 1], element_shape=tf.ones([2, 2], tf.int32))),
    calls("CVE-2022-35991", "TensorListScatterV2", lambda tf: tf.raw_ops.TensorListScatterV2(tensor=tf.ones([2, 2]), indices=[0, -7], element_shape=[2], num_elements=-5)),
    calls("CVE-2022-35991", "TensorListScatter", lambda tf: tf.raw_ops.TensorListScatter(tensor=tf.ones([1, 2]), indices=[2**31 - 1], element_shape=[2])),
    calls("CVE-2022-41891", "TensorListConcat", lambda tf: tf.raw_ops.TensorListConcat(input_handle=_list(tf), element_dtype=tf.float32, element_shape=[])),
    calls("CVE-2022-41891", "TensorListConcatV2", lambda tf: tf.raw_ops.TensorListConcatV2(input_handle=_list(tf), element_dtype=tf.float32, element_shape=tf.ones([2, 2], tf.int32), leading_dims=tf.constant([], tf.int64))),
    calls("CVE-2022-41893", "TensorListResize", lambda tf: tf.raw_ops.TensorListResize(input_handle=_list(tf), size=-5)),
    calls("CVE-2022-41893", "TensorListResize", lambda tf: tf.raw_ops.TensorListResize(input_handle=_list(tf), size=tf.constant([1, 2]))),
    calls("CVE-2023-25673", "TensorListSplit", lambda tf: tf.raw_ops.TensorListSplit(tensor=tf.ones([4, 2]), element_shape=[-1, 2], lengths=tf.constant([-1, 9], tf.int64))),
    calls("CVE-2023-25673", "TensorListSplit", lambda tf: tf.raw_ops.TensorListSplit(tensor=tf.ones([]), element_shape=[], lengths=tf.constant([1], tf.int64))),
    calls("CVE-2023-25663", "TensorArrayConcatV2", lambda tf: tf.raw_ops.TensorArrayConcatV2(handle=["a", "b"], flow_in=0.1, dtype=tf.int32, element_shape_except0=1)),
    calls("CVE-2022-41893", "TensorListGetItem", lambda tf: tf.raw_ops.TensorListGetItem(input_handle=_list(tf), index=7, element_shape=[2], element_dtype=tf.float32)),
    calls("CVE-2022-41893", "TensorListSetItem", lambda tf: tf.raw_ops.TensorListSetItem(input_handle=_list(tf), index=-3, item=tf.ones([2]))),
    calls("CVE-2022-41893", "TensorListGather", lambda tf: tf.raw_ops.TensorListGather(input_handle=_list(tf), indices=[9, -9], element_shape=[2], element_dtype=tf.float32)),
    calls("CVE-2022-41893", "TensorListStack", lambda tf: tf.raw_ops.TensorListStack(input_handle=_list(tf), element_shape=[3], element_dtype=tf.int32)),
    calls("CVE-2022-41909", "CompositeTensorVariantToComponents", lambda tf: tf.raw_ops.CompositeTensorVariantToComponents(encoded=tf.raw_ops.EmptyTensorList(element_dtype=tf.int32, element_shape=[1, 2], max_num_elements=2), metadata="", Tcomponents=[tf.int32])),
    calls("CVE-2021-37639", "RestoreV2", lambda tf: tf.raw_ops.RestoreV2(prefix="", tensor_names=["a"], shape_and_slices=["", ""], dtypes=[tf.float32])),
    calls("CVE-2021-37639", "Restore", lambda tf: tf.raw_ops.Restore(file_pattern=tf.constant([], tf.string), tensor_name=tf.constant([], tf.string), dt=tf.float32)),
    calls("CVE-2021-37639", "RestoreSlice", lambda tf: tf.raw_ops.RestoreSlice(file_pattern=tf.constant([], tf.string), tensor_name="a", shape_and_slice="", dt=tf.float32)),
    calls("CVE-2021-37648", "SaveV2", lambda tf: tf.raw_ops.SaveV2(prefix="/tmp/never", tensor_names=["a", "b"], shape_and_slices=[""], tensors=[1.0])),
    calls("CVE-2022-35983", "Save", lambda tf: tf.raw_ops.Save(filename="/tmp/never", tensor_names=["a"], data=[tf.zeros([1], tf.variant)])),
    calls("CVE-2022-35983", "SaveSlices", lambda tf: tf.raw_ops.SaveSlices(filename="/tmp/never", tensor_names=["a"], shapes_and_slices=["x y"], data=[tf.ones([1])])),
    calls("CVE-2021-29561", "LoadAndRemapMatrix", lambda tf: tf.raw_ops.LoadAndRemapMatrix(ckpt_path=tf.constant(["a", "b"]), old_tensor_name="a", row_remapping=[1], col_remapping=tf.constant([], tf.int64), initializing_values=[], num_rows=1, num_cols=1)),
    calls("CVE-2022-29199", "LoadAndRemapMatrix", lambda tf: tf.raw_ops.LoadAndRemapMatrix(ckpt_path="/tmp/never", old_tensor_name=tf.constant(["a", "b"]), row_remapping=[-9], col_remapping=tf.constant([], tf.int64), initializing_values=[], num_rows=1, num_cols=2**40)),
)  # fmt: skip
