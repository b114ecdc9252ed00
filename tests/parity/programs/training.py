"""Optimizers' updates of reference variables (in sessions) and of resources, dense and of rows."""

import numpy as np

from tests.parity.programs import in_session, reference

# Slots after `var`, then the scalars, of each optimizer; `grad` and `indices` go by name.
OPTIMIZERS = {
    "AdaMax": (["m", "v"], {"beta1_power": 0.9, "lr": 0.1, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-3}),
    "Adadelta": (["accum", "accum_update"], {"lr": 0.5, "rho": 0.9, "epsilon": 1e-3}),
    "Adagrad": (["accum"], {"lr": 0.1}),
    "AdagradV2": (["accum"], {"lr": 0.1, "epsilon": 1e-3}),
    "Adam": (
        ["m", "v"],
        {"beta1_power": 0.9, "beta2_power": 0.99, "lr": 0.1, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-3},
    ),
    "AddSign": (["m"], {"lr": 0.1, "alpha": 1.0, "sign_decay": 0.9, "beta": 0.8}),
    "CenteredRMSProp": (["mg", "ms", "mom"], {"lr": 0.1, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-2}),
    "Ftrl": (["accum", "linear"], {"lr": 0.1, "l1": 0.01, "l2": 0.02, "lr_power": -0.5}),
    "FtrlV2": (
        ["accum", "linear"],
        {"lr": 0.1, "l1": 0.01, "l2": 0.02, "l2_shrinkage": 0.1, "lr_power": -0.5},
    ),
    "KerasMomentum": (["accum"], {"lr": 0.1, "momentum": 0.9}),
    "Momentum": (["accum"], {"lr": 0.1, "momentum": 0.9}),
    "PowerSign": (["m"], {"lr": 0.1, "logbase": 1.1, "sign_decay": 0.9, "beta": 0.8}),
    "ProximalAdagrad": (["accum"], {"lr": 0.1, "l1": 0.01, "l2": 0.02}),
    "ProximalGradientDescent": ([], {"alpha": 0.1, "l1": 0.01, "l2": 0.02}),
    "RMSProp": (["ms", "mom"], {"lr": 0.1, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-2}),
}  # fmt: skip
DENSE = sorted(set(OPTIMIZERS) - {"KerasMomentum"})
BY_ROWS = sorted(set(OPTIMIZERS) - {"AdaMax", "Adam", "AddSign", "PowerSign"})


def _values(seed, shape=(4, 3)):
    return np.random.RandomState(seed).rand(*shape).astype(np.float32) + 0.1


def _variables(make, count, dtype=np.float32):
    return [make(_values(seed).astype(dtype)) for seed in range(count)]


def _gradient(op, by_rows, dtype=np.float32):
    rows = {"indices": np.array([3, 1], np.int32)} if by_rows else {}
    values = _values(9, (2, 3) if by_rows else (4, 3)).astype(dtype) - 0.5
    name = (
        "delta" if op == "ApplyProximalGradientDescent" or "ApplyGradientDescent" in op else "grad"
    )
    return {name: values.astype(dtype), **rows}


def _reference(tf, op, slots, scalars, gradient):
    def build():
        variables = _variables(lambda v: reference(tf, v), 1 + len(slots))
        update = getattr(tf.raw_ops, op)(
            **dict(zip(["var", *slots], variables, strict=True)), **scalars, **gradient
        )
        return [update, *[lambda s, v=v: s.run(v) for v in variables]]

    return in_session(tf, build)


def _resource(tf, op, slots, scalars, gradient, dtype=np.float32):
    variables = _variables(tf.Variable, 1 + len(slots), dtype)
    handles = dict(zip(["var", *slots], [v.handle for v in variables], strict=True))
    typed = {k: np.asarray(v, dtype) for k, v in scalars.items()}
    for _ in range(2):
        getattr(tf.raw_ops, op)(**handles, **typed, **gradient)
    return variables


def references_dense(tf, tmp):
    return [
        _reference(tf, f"Apply{n}", *OPTIMIZERS[n], _gradient(f"Apply{n}", False)) for n in DENSE
    ]


def references_by_rows(tf, tmp):
    names = [n for n in BY_ROWS if n != "KerasMomentum"]
    return [_reference(tf, f"SparseApply{n}", *OPTIMIZERS[n], _gradient("", True)) for n in names]


def resources_dense(tf, tmp):
    names = [f"ResourceApply{n}" for n in [*DENSE, "KerasMomentum"]]
    return [
        _resource(tf, op, *OPTIMIZERS[op.removeprefix("ResourceApply")], _gradient(op[8:], False))
        for op in names
    ]


def resources_by_rows(tf, tmp):
    return [
        _resource(tf, f"ResourceSparseApply{n}", *OPTIMIZERS[n], _gradient("", True))
        for n in BY_ROWS
    ]


def resources_in_doubles(tf, tmp):
    double = np.float64
    dense = [
        _resource(
            tf, f"ResourceApply{n}", *OPTIMIZERS[n], _gradient(f"Apply{n}", False, double), double
        )
        for n in DENSE
    ]
    rows = [
        _resource(
            tf, f"ResourceSparseApply{n}", *OPTIMIZERS[n], _gradient("", True, double), double
        )
        for n in BY_ROWS
    ]
    return [dense, rows]


def nesterov_and_frozen_slots(tf, tmp):
    momentum, adagrad, adam = (OPTIMIZERS[n] for n in ("Momentum", "Adagrad", "Adam"))
    dense, rows = _gradient("", False), _gradient("", True)
    return [
        _resource(tf, "ResourceApplyMomentum", *momentum, {**dense, "use_nesterov": True}),
        _resource(tf, "ResourceApplyKerasMomentum", *momentum, {**dense, "use_nesterov": True}),
        _resource(tf, "ResourceSparseApplyMomentum", *momentum, {**rows, "use_nesterov": True}),
        _resource(
            tf, "ResourceSparseApplyKerasMomentum", *momentum, {**rows, "use_nesterov": True}
        ),
        _resource(tf, "ResourceApplyAdam", *adam, {**dense, "use_nesterov": True}),
        _resource(tf, "ResourceApplyAdagrad", *adagrad, {**dense, "update_slots": False}),
        _resource(tf, "ResourceSparseApplyAdagrad", *adagrad, {**rows, "update_slots": False}),
    ]


def adagrad_with_dual_averaging(tf, tmp):
    scalars = {"lr": 0.1, "l1": 0.01, "l2": 0.02}
    slots = ["gradient_accumulator", "gradient_squared_accumulator"]
    step = {"global_step": np.array(3, np.int64)}
    dense, rows = {**_gradient("", False), **step}, {**_gradient("", True), **step}
    return [
        _reference(tf, "ApplyAdagradDA", slots, scalars, dense),
        _reference(tf, "SparseApplyAdagradDA", slots, scalars, rows),
        _resource(tf, "ResourceApplyAdagradDA", slots, scalars, dense),
        _resource(tf, "ResourceSparseApplyAdagradDA", slots, scalars, rows),
    ]


def gradient_descent_and_amsgrad(tf, tmp):
    scalars = {**OPTIMIZERS["Adam"][1]}
    return [
        _reference(tf, "ApplyGradientDescent", [], {"alpha": 0.5}, {"delta": _values(9)}),
        _resource(tf, "ResourceApplyGradientDescent", [], {"alpha": 0.5}, {"delta": _values(9)}),
        _resource(
            tf, "ResourceApplyAdamWithAmsgrad", ["m", "v", "vhat"], scalars, _gradient("", False)
        ),
    ]
