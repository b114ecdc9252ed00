"""What comes back from a SavedModel: containers, functions, assets, tables and variables as they were."""

import logging
import os

import pytest

import penstock as tf


def saved(obj, tmp_path, **options):
    """Saves an object, moves the folder and loads it."""
    tf.saved_model.save(obj, str(tmp_path / "saved"), **options)
    os.rename(tmp_path / "saved", tmp_path / "moved")
    return tf.saved_model.load(str(tmp_path / "moved"))


def test_containers_keep_their_places(tmp_path):
    """Elements that are not saved are None; functions in dicts are saved."""
    root = tf.Module()
    root.list = [tf.Variable(1.0), 1, tf.Variable(3.0)]
    root.tuple = (5, (tf.Variable(2.0),))
    root.functions = {"f": tf.function(lambda: tf.constant(7.0), input_signature=[])}
    root.functions["trace"] = root.functions["f"].get_concrete_function()
    loaded = saved(root, tmp_path)
    assert [None if v is None else v.numpy() for v in loaded.list] == [1.0, None, 3.0]
    assert loaded.tuple[0] is None and loaded.tuple[1][0].numpy() == 2.0
    assert loaded.functions["f"]().numpy() == loaded.functions["trace"]().numpy() == 7.0


def test_checkpoint_objects_are_saved_with_their_counter(tmp_path):
    """The counter is made when it is first read, which is while the objects are gathered."""
    root = tf.train.Checkpoint(v=tf.Variable(3.0))
    root.f = tf.function(lambda x: root.v * x, input_signature=[tf.TensorSpec([])])
    assert saved(root, tmp_path).f(2.0).numpy() == 6.0


def test_table_carries_its_vocabulary(tmp_path):
    """The file of a table's initializer is copied, so that the SavedModel works elsewhere."""
    (tmp_path / "words.txt").write_text("a\nb\nc\n")
    index = tf.lookup.TextFileIndex
    root = tf.Module()
    root.table = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            str(tmp_path / "words.txt"), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
        ),
        -1,
    )
    root.lookup = tf.function(root.table.lookup, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(root, str(tmp_path / "first"))
    os.remove(tmp_path / "words.txt")
    again = saved(tf.saved_model.load(str(tmp_path / "first")), tmp_path)
    assert again.lookup(["c", "x"]).numpy().tolist() == [2, -1]


def test_assets_of_one_name(tmp_path):
    """Files of one content are stored once; others get a number."""
    root = tf.Module()
    for name, text in (("a", "one"), ("b", "two"), ("c", "one")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.txt").write_text(text)
        setattr(root, name, tf.saved_model.Asset(str(tmp_path / name / "file.txt")))
    loaded = saved(root, tmp_path)
    texts = [open(getattr(loaded, name).asset_path.numpy()).read() for name in "abc"]
    assert texts == ["one", "two", "one"]
    assert sorted(os.listdir(tmp_path / "moved" / "assets")) == ["file.txt", "file.txt_1"]


def test_tables_and_datasets_read_assets(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("a\nb\n")
    root = tf.Module()
    root.words = tf.saved_model.Asset(words)
    root.table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            root.words,
            *(tf.string, tf.lookup.TextFileIndex.WHOLE_LINE),
            *(tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
        ),
        num_oov_buckets=1,
    )
    root.find = tf.function(root.table.lookup, input_signature=[tf.TensorSpec([None], tf.string)])
    assert list(tf.data.TextLineDataset(root.words).as_numpy_iterator()) == [b"a", b"b"]
    found = saved(root, tmp_path)
    words.unlink()
    assert found.find(["b", "x"]).numpy().tolist() == [1, 2]
    assert os.listdir(tmp_path / "moved" / "assets") == ["words.txt"]


def test_tensor_defaults_are_kept(tmp_path):
    """A function is called with the default tensor of its Python function."""
    root = tf.Module()
    default = tf.constant(5.0)
    root.f = tf.function(lambda x=default: x, input_signature=[tf.TensorSpec([])])
    loaded = saved(root, tmp_path)
    assert loaded.f().numpy() == 5.0 and loaded.f(7.0).numpy() == 7.0


def test_gradients_of_loops_reach_variables(tmp_path):
    """The body of a loaded loop knows which variable its handle is of."""
    root = tf.Module()
    root.weight = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([])])
    def power(x):
        for _ in tf.range(3):
            x = root.weight * x
        return x

    root.power = power
    loaded = saved(root, tmp_path)
    with tf.GradientTape() as tape:
        y = loaded.power(1.0)
    assert tape.gradient(y, loaded.weight).numpy() == 12.0


def test_variables_keep_their_properties(tmp_path):
    """Synchronization, aggregation, and a shape that is not fixed."""
    root = tf.Module()
    root.v = tf.Variable(
        1.0,
        trainable=False,
        synchronization=tf.VariableSynchronization.NONE,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )

    @tf.function(input_signature=[tf.TensorSpec([None])])
    def make(x):
        if getattr(root, "made", None) is None:
            root.made = tf.Variable(x)
        return root.made.read_value()

    root.make = make
    root.make([1.0, 2.0, 3.0])
    loaded = saved(root, tmp_path)
    assert loaded.v.synchronization is tf.VariableSynchronization.NONE
    assert loaded.v.aggregation is tf.VariableAggregation.ONLY_FIRST_REPLICA
    assert loaded.made.assign([1.0, 2.0]).shape.as_list() in ([None], [2])


def test_signatures_are_fixed(tmp_path):
    """They take several arguments by name only, and an attribute of their name is refused."""
    root = tf.Module()
    root.f = tf.function(lambda x, y: x + y, input_signature=[tf.TensorSpec([]), tf.TensorSpec([])])
    loaded = saved(root, tmp_path)
    with pytest.raises(KeyError, match="'predict': .*Signatures are: 'serving_default'"):
        loaded.signatures["predict"]
    serving = loaded.signatures["serving_default"]
    assert serving(x=tf.constant(1.0), y=tf.constant(2.0))["output_0"].numpy() == 3.0
    with pytest.raises(TypeError, match="positional"):
        serving(tf.constant(1.0), y=tf.constant(2.0))
    with pytest.raises(TypeError):
        loaded.signatures["other"] = serving
    loaded.signatures = {"mine": serving}
    with pytest.raises(ValueError, match="signatures"):
        tf.saved_model.save(loaded, str(tmp_path / "again"))


def test_callable_only_with_a_saved_call(tmp_path):
    """Objects without `__call__` are not callable after loading."""
    root = tf.Module()
    root.inner = tf.Module()
    root.inner.__call__ = tf.function(lambda x: x * 3.0, input_signature=[tf.TensorSpec([])])
    loaded = saved(root, tmp_path)
    assert not callable(loaded) and loaded.inner(2.0).numpy() == 6.0


def test_untraced_functions_are_reported(tmp_path, caplog):
    """They cannot be called after loading."""
    root = tf.Module()
    root.f = tf.function(lambda x: x)
    with caplog.at_level(logging.INFO, "absl"):
        loaded = saved(root, tmp_path)
    assert "Found untraced functions" in caplog.text
    with pytest.raises(ValueError, match="zero restored functions .*input_signature"):
        loaded.f(1.0)


def test_loaded_functions_have_names_of_arguments_and_results(tmp_path):
    @tf.function
    def many(x, y=2.0, *, z=None, training=False):
        return {"sum": x + y, "parts": [x, y]}

    root = tf.Module()
    root.many = many
    spec = tf.TensorSpec([2], tf.float32)
    many.get_concrete_function(spec, tf.TensorSpec([], tf.float32), training=True)
    (trace,) = saved(root, tmp_path).many.concrete_functions
    assert str(trace.function_type) == (
        "(x: TensorSpec(shape=(2,), dtype=tf.float32, name='x'), y: TensorSpec(shape=(), dtype=tf.float32, name='y'), *, "
        "z: Literal[None], training: Literal[True]) -> Dict[['parts', List[TensorSpec(shape=(2,), dtype=tf.float32, "
        "name='parts_0'), TensorSpec(shape=(), dtype=tf.float32, name='parts_1')]], ['sum', TensorSpec(shape=(2,), "
        "dtype=tf.float32, name='sum')]]"
    )
    assert trace.structured_outputs["sum"] == tf.TensorSpec([2], name="sum")


def test_signatures_may_return_ragged_tensors(tmp_path):
    root = tf.Module()
    root.rows = tf.function(lambda r: r * 2)
    rows = root.rows.get_concrete_function(tf.RaggedTensorSpec([None, None], tf.float32))
    tf.saved_model.save(root, str(tmp_path), signatures=rows)
    signature = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    given = tf.ragged.constant([[1.0], [2.0, 3.0]])
    values, splits = signature._arg_keywords
    found = signature(**{values: given.flat_values, splits: given.row_splits})["output_0"]
    assert found.to_list() == [[2], [4, 6]]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path))
        info = meta.signature_def["serving_default"].outputs["output_0"]
        value = tf.compat.v1.saved_model.get_tensor_from_tensor_info(info)
    assert isinstance(value, tf.RaggedTensor)


def test_signatures_keep_attributes_of_functions(tmp_path):
    root = tf.Module()
    attributes = {"disable_summaries_at_runtime": ["x", True]}
    spec = [tf.TensorSpec([])]
    root.f = tf.function(lambda x: x, input_signature=spec, experimental_attributes=attributes)
    signature = saved(root, tmp_path).signatures["serving_default"]
    kept = signature.function_def.attr["disable_summaries_at_runtime"].list
    assert list(kept.s) == [b"x"] and list(kept.b) == [True]


def test_saving_again_keeps_the_input_signature(tmp_path):
    root = tf.Module()
    root.f = tf.function(lambda x: x, input_signature=[tf.TensorSpec([None])])
    with tf.device("/CPU:0"):  # it is no other function there
        loaded = saved(root, tmp_path)
    tf.saved_model.save(loaded, str(tmp_path / "again"))
    again = tf.saved_model.load(str(tmp_path / "again"))
    assert len(again.f.concrete_functions) == 1
    with pytest.raises(TypeError, match="Binding inputs"):
        again.f(1.0)
    with pytest.raises(TypeError, match="due to `missing a required argument: 'x'`"):
        again.f()


def test_a_resource_is_freed_with_the_last_reference(tmp_path):
    class Held(tf.saved_model.experimental.TrackableResource):
        def _create_resource(self):
            return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[], shared_name="held")

        def _initialize(self):
            tf.raw_ops.AssignVariableOp(resource=self.resource_handle, value=1.0)

        def _destroy_resource(self):
            tf.raw_ops.DestroyResourceOp(resource=self._create_resource())

    root = tf.Module()
    root.held = Held()
    tf.saved_model.save(root, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    handle = loaded.held.resource_handle
    del loaded
    with pytest.raises(tf.errors.NotFoundError, match="does not exist"):
        tf.raw_ops.DestroyResourceOp(resource=handle, ignore_lookup_error=False)


def test_functions_of_datasets_are_restored(tmp_path):
    """They take elements, of which the operation that calls them has no inputs, then what they capture."""
    root = tf.Module()
    root.w = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([None])])
    def total(x):
        rows = tf.data.Dataset.from_tensor_slices((x, x + 1.0, x + 2.0))
        return rows.reduce(0.0, lambda sum_, row: sum_ + (row[0] + row[1] * row[2]) * root.w)

    root.total = total
    assert saved(root, tmp_path).total(tf.constant([1.0, 2.0])) == 2 * (1 + 6 + 2 + 12)


def test_variables_that_saving_makes_by_tracing_are_saved(tmp_path):
    class Lazy(tf.Module):
        held = None

        @tf.function(input_signature=[tf.TensorSpec([])])
        def scaled(self, x):
            if self.held is None:
                self.held = tf.Variable(2.0)
            return x * self.held

    loaded = saved(Lazy(), tmp_path)
    assert loaded.scaled(tf.constant(2.0)) == 4.0
    assert loaded.held == 2.0
