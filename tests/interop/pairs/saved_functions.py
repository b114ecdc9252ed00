"""Functions of SavedModels that do more than compute: they train, draw, count, iterate, and call one another."""

from typing import Any

FUNCTIONS = (
    "custom_gradient recomputed counted called dataset stateless_random jitted case nested_loops early_exit "
    "ragged_map strings sparse einsum_and_convolution sorted_and_searched partitioned assigned_in_branch checked "
    "linear_algebra image_ops lists_of_lists gathered accumulated vectorized half_precision"
).split()


def _module(tf: Any) -> Any:
    scalar, vector, matrix = tf.TensorSpec([]), tf.TensorSpec([None]), tf.TensorSpec([None, None])

    def function(*specs: Any, **options: Any) -> Any:
        return tf.function(input_signature=specs, **options)

    @tf.custom_gradient
    def clipped(x: Any) -> Any:
        return x * x, lambda dy: dy * 7.0

    class Model(tf.Module):
        def __init__(self) -> None:
            self.w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
            self.count = tf.Variable(0, dtype=tf.int64)
            self.velocity = tf.Variable(tf.zeros([2, 2]))

        @function(vector)
        def custom_gradient(self, x: Any) -> Any:
            return clipped(x)

        @function(matrix)
        def recomputed(self, x: Any) -> Any:
            return tf.recompute_grad(lambda y: tf.sin(y @ self.w))(x)

        @function(vector)
        def counted(self, x: Any) -> Any:
            self.count.assign_add(tf.size(x, tf.int64))
            return self.count + 0

        @function(matrix)
        def called(self, x: Any) -> Any:
            return self.recomputed(x) + tf.cast(self.counted(x[0]), tf.float32)

        @function(vector)
        def dataset(self, x: Any) -> Any:
            total = 0.0
            for row in tf.data.Dataset.from_tensor_slices(x).batch(2).map(lambda y: y * 2.0):
                total += tf.reduce_sum(row) ** 2
            return total

        @function(scalar)
        def stateless_random(self, x: Any) -> Any:
            return x + tf.random.stateless_normal([3], [1, 2]), tf.random.stateless_uniform(
                [2], [3, 4]
            )

        @function(matrix, jit_compile=True)
        def jitted(self, x: Any) -> Any:
            return tf.nn.softmax(x @ self.w)

        @function(scalar)
        def case(self, x: Any) -> Any:
            return tf.case([(x < 0, lambda: -x), (x < 10, lambda: x * 2)], default=lambda: x - 1)

        @function(vector)
        def nested_loops(self, x: Any) -> Any:
            total = tf.zeros([])
            for i in tf.range(tf.size(x)):
                for j in tf.range(i):
                    if x[j] > 2.0:
                        continue
                    total += x[i] * x[j]
            return total

        @function(vector)
        def early_exit(self, x: Any) -> Any:
            at, found = -1, 0.0
            for i in tf.range(tf.size(x)):
                if x[i] > 1.5:
                    at, found = i, x[i]
                    break
            return at, found

        @function(tf.RaggedTensorSpec([None, None], tf.float32))
        def ragged_map(self, rows: Any) -> Any:
            return tf.map_fn(
                lambda row: tf.reduce_sum(row), rows, fn_output_signature=tf.float32
            ), rows.to_tensor(9.0)

        @function(tf.TensorSpec([None], tf.string))
        def strings(self, s: Any) -> Any:
            words = tf.strings.split(s)
            return (
                words,
                tf.strings.regex_replace(s, "a+", "<\\0>"),
                tf.strings.to_hash_bucket_fast(s, 100),
            )

        @function(matrix)
        def sparse(self, x: Any) -> Any:
            s = tf.sparse.from_dense(x)
            return tf.sparse.sparse_dense_matmul(s, self.w), tf.sparse.reorder(s)

        @function(matrix)
        def einsum_and_convolution(self, x: Any) -> Any:
            image = tf.reshape(tf.einsum("ij,jk->ik", x, self.w), [1, -1, 2, 1])
            kernel = tf.reshape(self.w, [2, 2, 1, 1])
            return tf.nn.conv2d(image, kernel, 1, "SAME"), tf.nn.max_pool2d(image, 2, 1, "VALID")

        @function(vector)
        def sorted_and_searched(self, x: Any) -> Any:
            return (
                tf.sort(x),
                tf.math.top_k(x, 2),
                tf.searchsorted([0.0, 2.0], x),
            )

        @function(vector)
        def partitioned(self, x: Any) -> Any:
            parts = tf.dynamic_partition(x, tf.cast(x > 1.5, tf.int32), 2)
            unique = tf.unique(tf.cast(x, tf.int32))
            return parts, unique, tf.boolean_mask(x, x > 1.5), tf.where(x > 1.5)

        @function(scalar)
        def assigned_in_branch(self, x: Any) -> Any:
            if x > 0:
                self.velocity.assign(self.w * x)
            else:
                self.velocity.assign_sub(self.w)
            return self.velocity.read_value()

        @function(vector)
        def checked(self, x: Any) -> Any:
            tf.debugging.assert_positive(x, message="all must be positive")
            return tf.debugging.check_numerics(tf.sqrt(x), "finite")

        @function(matrix)
        def linear_algebra(self, x: Any) -> Any:
            square = tf.matmul(x, x, transpose_b=True) + tf.eye(tf.shape(x)[0]) * 3.0
            return tf.linalg.cholesky(square), tf.linalg.inv(square), tf.linalg.det(square)

        @function(matrix)
        def image_ops(self, x: Any) -> Any:
            image = x[None, :, :, None]
            return tf.image.resize(image, [4, 5]), tf.image.flip_left_right(image[0])

        @function(vector)
        def lists_of_lists(self, x: Any) -> Any:
            rows = tf.TensorArray(tf.float32, 0, dynamic_size=True, infer_shape=False)
            for i in tf.range(3):
                rows = rows.write(i, x[:i])
            return rows.concat(), rows.size()

        @function(matrix)
        def gathered(self, x: Any) -> Any:
            return (
                tf.gather_nd(x, [[0, 1]]),
                tf.tensor_scatter_nd_add(x, [[0, 0]], [5.0]),
                x[..., ::-1],
                x[:, tf.newaxis],
            )

        @function(vector)
        def accumulated(self, x: Any) -> Any:
            return (
                tf.cumsum(x, exclusive=True),
                tf.math.segment_sum(x, [0, 0, 1]),
                tf.scan(lambda a, b: a * 0.5 + b, x),
            )

        @function(matrix)
        def vectorized(self, x: Any) -> Any:
            return tf.vectorized_map(lambda row: tf.reduce_sum(row * self.w, 1), x)

        @function(vector)
        def half_precision(self, x: Any) -> Any:
            return (
                tf.cast(x, tf.bfloat16) * 3,
                tf.cast(tf.cast(x, tf.float16) * 3, tf.float32),
                tf.complex(x, -x),
            )

        @function(matrix)
        def train(self, x: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((tf.tanh(x @ self.w) - 0.5) ** 2)
            gradient = tape.gradient(loss, self.w)
            self.velocity.assign(self.velocity * 0.9 + gradient)
            self.w.assign_sub(0.1 * self.velocity)
            return loss

    return Model()


def _arguments(tf: Any, function: Any) -> list[Any]:
    """Arguments of the types that a function was saved with."""
    found = []
    for spec in function.concrete_functions[0].structured_input_signature[0]:
        if hasattr(spec, "ragged_rank"):
            found.append(tf.ragged.constant([[1.0, 2.0], [], [3.0]]))
        elif spec.dtype == tf.string:
            found.append(tf.constant(["a baa", "", "é c"]))
        else:
            found.append(
                [
                    tf.constant(3.0),
                    tf.constant([1.0, 3.0, 2.0]),
                    tf.constant([[1.0, 2.0], [0.0, 3.0]]),
                ][spec.shape.rank]
            )
    return found


class Functions:
    """Each gives the same results, and the same gradients where it has any."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        tf.saved_model.save(_module(tf), folder + "/m")

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        model = tf.saved_model.load(folder + "/m")
        found = {}
        for name in FUNCTIONS:
            function = getattr(model, name)
            arguments = _arguments(tf, function)
            floats = [
                a for a in arguments if a.dtype == tf.float32 and not hasattr(a, "row_splits")
            ]
            with tf.GradientTape() as tape:
                tape.watch(floats)
                results = function(*arguments)
                sums = [
                    tf.reduce_sum(tf.cast(part, tf.float32))
                    for part in tf.nest.flatten(results, expand_composites=True)
                    if part.dtype.is_floating
                ]
            gradients = tape.gradient(sums, [*floats, model.w]) if sums else []
            dense = [g if g is None else tf.convert_to_tensor(g) for g in gradients]
            found[name] = [results, dense]
        return found


class Training:
    """A saved step of training goes on, is saved again with its state, and goes on from there."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        whole = _module(tf)
        module = tf.Module()
        module.w, module.velocity, module.train = whole.w, whole.velocity, whole.train
        module.early_exit, module.nested_loops = whole.early_exit, whole.nested_loops
        tf.saved_model.save(module, folder + "/m")

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        x = tf.constant([[0.1, 0.2], [0.0, 0.3]])
        model = tf.saved_model.load(folder + "/m")
        losses = [model.train(x) for _ in range(3)]
        tf.saved_model.save(model, folder + "/again")
        again = tf.saved_model.load(folder + "/again")
        losses += [again.train(x) for _ in range(3)]
        return losses, again.w, again.velocity, model.w
