"""Checkpoints of objects, and their managers."""

import os
from typing import Any

DTYPES = (
    "float16 bfloat16 float32 float64 int8 uint8 int16 uint16 int32 uint32 int64 uint64 bool "
    "complex64 complex128 float8_e4m3fn float8_e5m2"
).split()


class Objects:
    """Variables of all types, in modules, lists and dicts."""

    @staticmethod
    def build(tf: Any, scale: int) -> Any:
        module = tf.Module()
        numbers = tf.reshape(tf.range(6.0), [2, 3]) * scale
        dtypes = [
            getattr(tf.dtypes.experimental, name, None) or getattr(tf, name) for name in DTYPES
        ]
        module.by_dtype = {dtype.name: tf.Variable(tf.cast(numbers, dtype)) for dtype in dtypes}
        module.text = tf.Variable([b"a\x00" * scale, "é".encode() * scale])
        module.empty = tf.Variable(tf.zeros([0, 3]))
        module.parts = [tf.Variable(float(scale)), {"deep": tf.Variable([scale, scale])}]
        return module

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        path = tf.train.Checkpoint(model=cls.build(tf, 1)).save(folder + "/c")
        return path.removeprefix(folder)

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        module = cls.build(tf, 0)
        status = tf.train.Checkpoint(model=module).restore(folder + "/c-1")
        status.assert_consumed().assert_existing_objects_matched()
        reader = tf.train.load_checkpoint(folder + "/c-1")
        keys = reader.get_variable_to_shape_map()
        dtypes = reader.get_variable_to_dtype_map()
        return {
            "values": list(module.by_dtype.values()),
            "rest": [module.text, module.empty, module.parts[0], module.parts[1]["deep"]],
            "keys": {key: [keys[key], dtypes[key].name] for key in sorted(keys)},
            "tensor": reader.get_tensor("model/text/.ATTRIBUTES/VARIABLE_VALUE"),
            "listed": tf.train.list_variables(folder + "/c-1"),
            "latest": tf.train.latest_checkpoint(folder).removeprefix(folder),
        }


class Managers:
    """What a CheckpointManager keeps, and goes on from."""

    @staticmethod
    def manager(tf: Any, folder: str) -> Any:
        step = tf.Variable(0, dtype=tf.int64)
        checkpoint = tf.train.Checkpoint(step=step, weights=tf.Variable([1.0, 2.0]))
        return checkpoint, tf.train.CheckpointManager(
            checkpoint, folder + "/run", max_to_keep=2, step_counter=step, checkpoint_name="m"
        )

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        checkpoint, manager = cls.manager(tf, folder)
        for _ in range(4):
            checkpoint.step.assign_add(10)
            checkpoint.weights.assign_add([1.0, 1.0])
            manager.save()
        return [path.removeprefix(folder) for path in manager.checkpoints]

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        checkpoint, manager = cls.manager(tf, folder)
        restored = manager.restore_or_initialize()
        found = [checkpoint.step.numpy(), checkpoint.weights.numpy()]
        checkpoint.step.assign_add(10)
        manager.save()
        state = tf.train.get_checkpoint_state(folder + "/run")
        return {
            "restored": restored.removeprefix(folder),
            "values": found,
            "kept": [path.removeprefix(folder) for path in manager.checkpoints],
            "state": [path.removeprefix(folder) for path in state.all_model_checkpoint_paths],
        }


class Deferred:
    """Variables that are made after `restore` take their values then, slots of optimizers included, in every order."""

    @staticmethod
    def names() -> tuple[str, ...]:
        return "w", "b", "c"

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        model = tf.Module()
        for place, name in enumerate(cls.names()):
            setattr(model, name, tf.compat.v1.Variable([place + 1.0], use_resource=True, name="v"))
        optimizer = tf.compat.v1.train.AdamOptimizer(0.1)
        variables = [getattr(model, name) for name in cls.names()]
        for scale in (1.0, 3.0):
            grads = [tf.constant([scale * (place + 1)]) for place in range(3)]
            optimizer.apply_gradients(zip(grads, variables, strict=True))
        tf.train.Checkpoint(model=model, optimizer=optimizer).save(folder + "/c")
        return [
            [each, optimizer.get_slot(each, "m"), optimizer.get_slot(each, "v")]
            for each in variables
        ]

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        return {
            order: cls._restored(tf, folder, order)
            for order in ("model first", "optimizer first", "slots first", "backwards", "built")
        }

    @classmethod
    def _restored(cls, tf: Any, folder: str, order: str) -> Any:
        model, optimizer = tf.Module(), tf.compat.v1.train.AdamOptimizer(0.1)
        names = cls.names() if order != "backwards" else cls.names()[::-1]

        def build() -> None:
            for name in names:
                setattr(model, name, tf.compat.v1.Variable([0.0], use_resource=True, name="v"))

        def slots() -> None:
            variables = [getattr(model, name) for name in names]
            grads = [tf.constant([0.0]) for _ in variables]
            optimizer.apply_gradients(zip(grads, variables, strict=True))

        checkpoint = tf.train.Checkpoint()
        if order == "built":
            build()
            slots()
        if order == "slots first":
            build()
        if order == "optimizer first":
            checkpoint.optimizer = optimizer
        status = checkpoint.restore(folder + "/c-1")
        if order == "slots first":
            checkpoint.optimizer = optimizer
            checkpoint.model = model
        else:
            checkpoint.model = model
        if order in ("model first", "optimizer first", "backwards"):
            build()
        if order != "optimizer first":
            checkpoint.optimizer = optimizer
        before = [getattr(model, name).numpy() for name in cls.names()]
        slots()
        status.assert_existing_objects_matched()
        variables = [getattr(model, name) for name in cls.names()]
        return [
            before,
            [
                [each, optimizer.get_slot(each, "m"), optimizer.get_slot(each, "v")]
                for each in variables
            ],
        ]


class Optimizers:
    """An optimizer and a model of Keras that are built after `restore`."""

    @staticmethod
    def objects(tf: Any) -> Any:
        keras = tf.keras
        model = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(1)])
        return model, keras.optimizers.Adam(0.1)

    @staticmethod
    def step(tf: Any, model: Any, optimizer: Any, scale: float) -> Any:
        x = tf.reshape(tf.range(8.0), [4, 2]) * scale
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - 1.0) ** 2)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        model, optimizer = cls.objects(tf)
        model.build((None, 2))
        for place, weight in enumerate(model.weights):
            weight.assign(tf.reshape(tf.range(float(tf.size(weight))), weight.shape) * 0.1 + place)
        for _ in range(2):
            cls.step(tf, model, optimizer, 0.1)
        tf.train.Checkpoint(model=model, optimizer=optimizer).save(folder + "/c")
        return cls.step(tf, model, optimizer, 0.1)

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        found = {}
        for order in ("before", "after"):
            model, optimizer = cls.objects(tf)
            if order == "before":
                model.build((None, 2))
                optimizer.build(model.trainable_variables)
            status = tf.train.Checkpoint(model=model, optimizer=optimizer).restore(folder + "/c-1")
            if order == "after":
                model.build((None, 2))
            loss = cls.step(tf, model, optimizer, 0.1)
            status.assert_existing_objects_matched()
            found[order] = [loss, model.get_weights(), *optimizer.variables]
        return found


class Tables:
    """Mutable tables, with open addressing too, and generators of random numbers."""

    @staticmethod
    def build(tf: Any) -> Any:
        lookup = tf.lookup.experimental
        module = tf.Module()
        module.table = lookup.MutableHashTable(tf.string, tf.int64, -1)
        module.vectors = lookup.MutableHashTable(tf.int64, tf.float32, [0.0, 0.0])
        module.dense = lookup.DenseHashTable(tf.int64, tf.float32, 0.0, -1, -2, 16)
        module.texts = lookup.DenseHashTable(tf.string, tf.int64, -1, "", "$")
        module.generator = tf.random.Generator.from_seed(5)
        return module

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        module = cls.build(tf)
        numbers = tf.range(30, dtype=tf.int64) * 16
        module.table.insert(["a", "b"], tf.constant([1, 2], tf.int64))
        module.vectors.insert(numbers[:2], [[1.0, 2.0], [3.0, 4.0]])
        module.dense.insert(numbers, tf.cast(numbers, tf.float32) + 0.5)
        module.dense.remove(numbers[5:9])
        module.texts.insert(["x", "yy", "é"], tf.constant([4, 5, 6], tf.int64))
        module.generator.normal([3])
        tf.train.Checkpoint(module=module).write(folder + "/c")
        return module.texts.export()

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        module = cls.build(tf)
        tf.train.Checkpoint(module=module).read(folder + "/c").assert_consumed()
        numbers = tf.range(31, dtype=tf.int64) * 16
        return [
            module.table.lookup(tf.constant(["b", "c"])),
            module.vectors.lookup(numbers[:3]),
            module.dense.lookup(numbers),
            module.texts.lookup(tf.constant(["yy", "é", "z"])),
            module.generator.normal([2]),
            module.dense.size(),
        ]


class Shards:
    """Checkpoints in several files, whose tensors may be cut, and those that a thread writes."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        variables = [tf.Variable(tf.range(100.0) + n) for n in range(4)]
        policy = tf.train.experimental.MaxShardSizePolicy(max_shard_size=500)
        options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
        tf.train.Checkpoint(v=variables).write(folder + "/cut", options)
        checkpoint = tf.train.Checkpoint(v=variables)
        checkpoint.save(folder + "/later", tf.train.CheckpointOptions(enable_async=True))
        checkpoint.sync()
        return sorted(os.listdir(folder))

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        found = []
        for name in ("cut", "later-1"):
            variables = [tf.Variable(tf.zeros([100])) for _ in range(4)]
            checkpoint = tf.train.Checkpoint(v=variables)
            checkpoint.restore(f"{folder}/{name}").expect_partial()
            found.append(variables)
        return found
