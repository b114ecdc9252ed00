"""Variables that functions assign, and tables, in files of TFLite."""

import numpy as np
import pytest

import penstock as tf

VECTOR = tf.TensorSpec([2], tf.float32, "x")
CALLS = [np.float32([1, 2]), np.float32([-3, 4]), np.float32([5, 6])]


class _Model(tf.Module):
    def __init__(self):
        super().__init__()
        self.v, self.w = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])
        self.n = tf.Variable(0)
        words = tf.constant(["a", "b", "cc"])
        numbers = tf.constant([1, 2, 3], tf.int64)
        to_number = tf.lookup.KeyValueTensorInitializer(words, numbers)
        to_word = tf.lookup.KeyValueTensorInitializer(numbers, words)
        self.numbers = tf.lookup.StaticHashTable(to_number, -1)
        self.words = tf.lookup.StaticHashTable(to_word, "?")

    @tf.function
    def exchanges(self, x):
        before, other = self.v.read_value(), self.w.read_value()
        self.v.assign(other)
        self.w.assign(before + x)
        return {"before": before, "v": self.v.read_value(), "w": self.w.read_value()}

    @tf.function
    def in_branches(self, x):
        y = x
        if tf.reduce_sum(x) > 2.0:
            self.v.assign_add(x)
            y = self.v * 2.0
        else:
            self.w.assign_sub(x)
        return {"y": y, "v": self.v.read_value(), "w": self.w.read_value()}

    @tf.function
    def in_loops(self, x):
        for i in tf.range(3):
            if i > 0:
                self.v.assign_add(x)
                for _ in tf.range(2):
                    self.w.assign(self.w * 0.5 + self.v)
                    self.n.assign_add(1)
        return {"v": self.v.read_value(), "w": self.w.read_value(), "n": self.n.read_value()}

    @tf.function
    def add(self, v, x):
        v.assign_add(x)
        return v * 1.0

    @tf.function
    def in_calls(self, x):
        return {"first": self.add(self.v, x), "second": self.add(self.v, x), "x": x}

    @tf.function
    def without_result(self, x):
        self.v.assign(self.v + x)
        return {"x": x}

    @tf.function
    def descends(self, x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((self.v - x) ** 2)
        self.v.assign_sub(0.25 * tape.gradient(loss, self.v))
        return {"loss": loss, "v": self.v.read_value()}

    @tf.function
    def scatters(self, x):
        at = tf.argsort(x)
        ones = tf.ones([2])
        self.v.scatter_add(tf.IndexedSlices(x, at * 0))
        self.v.scatter_sub(tf.IndexedSlices(ones, at))
        self.w.scatter_nd_update([at[:1]], x[:1])
        self.w.scatter_update(tf.IndexedSlices(x * 2.0, tf.constant([1, 0])))
        self.w.scatter_nd_add([at[1:]], ones[:1])
        return {"v": self.v.read_value(), "w": self.w.read_value()}

    @tf.function
    def reads(self, x):
        return {"v": self.v + x}

    @tf.function
    def looks_up(self, x):
        found = self.numbers.lookup(x)
        if found[0] > 1:
            found = self.numbers.lookup(x[::-1])
        total = tf.constant(0, tf.int64)
        for i in tf.range(2):
            total += self.numbers.lookup(x[i])
        back = self.words.lookup(found)
        return {"found": found, "total": total, "back": back, "size": self.numbers.size()}


def _converter(function, *specs):
    return tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function(*specs)])


def _check(content, function, calls):
    """Runs a file's signature and the function side by side, call after call."""
    runner = tf.lite.Interpreter(model_content=content).get_signature_runner()
    for x in calls:
        found, expected = runner(x=x), function(tf.constant(x))
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert found[name].shape == value.shape
            np.testing.assert_array_equal(found[name], value.numpy(), err_msg=name)


@pytest.mark.parametrize(
    "name",
    "exchanges in_branches in_loops in_calls without_result descends scatters".split(),
)
def test_variables_have_the_values_of_the_function_call_after_call(name):
    function = getattr(_Model(), name)
    content = _converter(function, VECTOR).convert()
    fresh = tf.lite.Interpreter(model_content=content)
    first = fresh.get_signature_runner()(x=CALLS[0])
    _check(content, function, CALLS)
    other = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=CALLS[0])
    for key, value in first.items():
        np.testing.assert_array_equal(other[key], value)  # a new interpreter starts anew


def test_variables_begin_with_their_present_values():
    model = _Model()
    model.without_result(tf.constant([5.0, 5.0]))
    content = _converter(model.without_result, VECTOR).convert()
    model.v.assign([0.0, 0.0])
    names = [o["op_name"] for o in tf.lite.Interpreter(model_content=content)._get_ops_details()]
    assert names.count("ASSIGN_VARIABLE") == names.count("READ_VARIABLE") == 1
    content = _converter(model.in_calls, VECTOR).convert()
    found = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=CALLS[0])
    assert found["second"].tolist() == [2, 4]


def test_signatures_share_variables_that_one_of_them_assigns(tmp_path):
    model = _Model()
    tf.saved_model.save(
        model,
        str(tmp_path),
        {
            "change": model.without_result.get_concrete_function(VECTOR),
            "read": model.reads.get_concrete_function(VECTOR),
        },
    )
    content = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path)).convert()
    interpreter = tf.lite.Interpreter(model_content=content)
    change, read = (interpreter.get_signature_runner(key) for key in ("change", "read"))
    zero = np.zeros(2, np.float32)
    assert read(x=zero)["v"].tolist() == [1, 2]
    change(x=CALLS[0])
    change(x=CALLS[0])
    assert read(x=zero)["v"].tolist() == [3, 6]


def test_tables_in_branches_and_loops():
    function = _Model().looks_up
    content = _converter(function, tf.TensorSpec([2], tf.string, "x")).convert()
    calls = [["a", "q"], ["cc", "b"], ["", "a"]]
    _check(content, function, [np.array(each, object) for each in calls])


def test_samples_quantize_a_model_with_state():
    model, rng = tf.Module(), np.random.default_rng(0)
    model.v = tf.Variable(tf.zeros([1, 8]))
    kernel = rng.normal(size=(8, 8)).astype(np.float32) / 3

    @tf.function
    def step(x):
        model.v.assign(tf.tanh(x @ kernel + model.v @ kernel))
        return {"v": model.v.read_value()}

    converter = _converter(step, tf.TensorSpec([1, 8], tf.float32, "x"))
    samples = [[x] for x in rng.normal(size=(16, 1, 8)).astype(np.float32)]
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: samples
    runner = tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner()
    for (x,) in samples[:4]:
        np.testing.assert_allclose(runner(x=x)["v"], step(tf.constant(x))["v"], atol=0.05)


def test_what_no_file_can_hold_is_refused():
    def refusal(variable, spec=VECTOR):
        model = tf.Module()
        model.v = variable
        function = tf.function(lambda x: [model.v.read_value(), model.v.assign(x)][0])
        with pytest.raises(tf.errors.UnimplementedError) as error:
            _converter(function, spec).convert()
        return str(error.value)

    assert "no numbers" in refusal(tf.Variable(["a"]), tf.TensorSpec([1], tf.string))
    empty = tf.Variable(tf.zeros([0]))
    assert "no numbers" in refusal(empty, tf.TensorSpec([0]))
    assert "unknown shape" in refusal(tf.Variable([1.0], shape=[None]), tf.TensorSpec([None]))
    rows = tf.Variable(tf.zeros([4]))
    function = tf.function(lambda i: [rows.scatter_mul(tf.IndexedSlices([1.0], i)), i][1])
    with pytest.raises(tf.errors.UnimplementedError, match="ResourceScatterMul"):
        _converter(function, tf.TensorSpec([1], tf.int32)).convert()
    keys = tf.lookup.KeyValueTensorInitializer([1, 2], [0.5, 1.5])
    table = tf.lookup.StaticHashTable(keys, 0.0)
    with pytest.raises(tf.errors.UnimplementedError, match="a table from int32 to float32"):
        _converter(tf.function(table.lookup), tf.TensorSpec([1], tf.int32)).convert()
