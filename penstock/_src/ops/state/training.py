"""The update rules of optimizers, as single ops over variables.

Each rule is written once, in `step`, with operators that work on NumPy arrays and on nodes of a program; `m` has the
functions that are not operators.
"""

import operator
from typing import ClassVar

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import NUMBER
from penstock._src.core.values.resources import as_variable, owned
from penstock._src.ops.infer import merged
from penstock._src.ops.rules import quiet, show
from penstock._src.ops.state.variable import variable_shape


class HostMath:
    """The functions that rules use besides operators, for arrays."""

    sqrt = staticmethod(np.sqrt)
    abs = staticmethod(np.abs)
    sign = staticmethod(np.sign)
    square = staticmethod(np.square)
    exp = staticmethod(np.exp)
    maximum = staticmethod(np.maximum)
    minimum = staticmethod(np.minimum)
    pow = staticmethod(np.power)
    select = staticmethod(np.where)
    gt = staticmethod(np.greater)

    @staticmethod
    def rsqrt(x):
        """1 / sqrt(x)."""
        return np.reciprocal(np.sqrt(x))


def is_variable(argument):
    """True if an argument of an update rule is one of its variables."""
    return argument.is_ref or argument.dtype is dtypes.resource


WITHIN = {"positive": "gt", "non-negative": "ge", "non-positive": "le"}
ROWS = ("grad", "delta", "indices")
SCALARS = (
    "lr l1 l2 l2_shrinkage alpha beta beta1 beta2 beta1_power beta2_power epsilon momentum rho logbase sign_decay "
    "global_step"
)


class _Apply(Op):
    """A rule: reads its variables, computes their new values by `step`, assigns them."""

    T = NUMBER
    ranks = dict.fromkeys(SCALARS.split(), (0,))
    effects = Effects(updates=True)

    limits: ClassVar[dict[str, str]] = {}  # limits on the rule's scalars, as keys of WITHIN

    # Not `shape`: the signature of each rule states that it has no outputs.
    def output_shape(self, *inputs):
        self.common_shape(inputs)
        return ()

    def common_shape(self, inputs):
        """Returns the static shape of the variables.

        Raises:
          ValueError: they have different shapes, or the gradient does not fit.
        """
        by_name = {a.name: shape for a, shape in zip(self.inputs, inputs, strict=True)}
        variables = [a for a in self.inputs if is_variable(a)]
        shapes = [
            TensorShape(by_name[a.name]) if a.is_ref else variable_shape(by_name[a.name])
            for a in variables
        ]
        common = merged(*shapes)
        if any(shape.rank is None for shape in shapes) or not self.compares_gradient(variables):
            return common
        for name in {"grad", "delta"} & by_name.keys():
            self.updated_shape(common, by_name).merge_with(by_name[name])
        return common

    def compares_gradient(self, variables):
        """True if TensorFlow compares the shape of the gradient in graphs: for references, or without slots."""
        return variables[0].is_ref or len(variables) == 1

    def updated_shape(self, variable, _inputs):
        """The static shape of what is updated of a variable."""
        return variable

    @quiet
    def eager(self, *inputs):
        handles = [
            as_variable(value, type(self).__name__)
            for argument, value in zip(self.inputs, inputs, strict=True)
            if is_variable(argument)
        ]
        values = [h.read() for h in handles]
        self._check(values, inputs)
        self.check_limits(inputs)
        kind = values[0].dtype
        updated = self.step(HostMath, *values, *inputs[len(handles) :])
        for handle, value in zip(handles, _as_tuple(updated), strict=True):
            if value is not None:
                handle.value = owned(value.astype(kind, copy=False))

    def lower(self, p, *inputs):
        handles = [
            value
            for argument, value in zip(self.inputs, inputs, strict=True)
            if is_variable(argument)
        ]
        values = [p.read_variable(h) for h in handles]
        self._check(values, inputs)
        self.lower_limits(p, inputs)
        updated = self.step(p, *values, *inputs[len(handles) :])
        for handle, value in zip(handles, _as_tuple(updated), strict=True):
            if value is not None:
                p.assign_variable(handle, value)
        return ()

    def _check(self, values, inputs):
        for argument, value in zip(self.inputs, inputs, strict=True):
            if is_variable(argument):
                continue
            if argument.name in ("grad", "delta"):
                if value.shape != values[0].shape:
                    raise self.invalid(
                        f"var and {argument.name} do not have the same shape"
                        f"{show(values[0].shape)} {show(value.shape)}"
                    )
        self.check_scalars(inputs)
        for value in values[1:]:
            if value.shape != values[0].shape:
                raise self.invalid(
                    "var and its slots do not have the same shape"
                    f"{show(values[0].shape)} {show(value.shape)}"
                )

    def check_scalars(self, inputs):
        """Raises an error if a rate or strength is not a scalar."""
        for argument, value in zip(self.inputs, inputs, strict=True):
            if not (is_variable(argument) or argument.name in ROWS) and len(value.shape):
                raise self.invalid(f"{argument.name} is not a scalar: {show(value.shape)}")

    def check_limits(self, inputs):
        """Raises an error if a scalar is outside the rule's limits."""
        for argument, value in zip(self.inputs, inputs, strict=True):
            asked = self._limit(argument)
            if asked and not getattr(operator, WITHIN[asked])(value, 0):
                raise self.invalid(f"{argument.name} is not a {asked} scalar: {value}")

    def lower_limits(self, p, inputs):
        """`check_limits` at run time."""
        for argument, value in zip(self.inputs, inputs, strict=True):
            asked = self._limit(argument)
            if asked:
                fits = getattr(p, WITHIN[asked])(value, p.scalar(0, value.dtype))
                p.check(fits, f"{self.op_type}: {argument.name} is not a {asked} scalar")

    def _limit(self, argument):
        asked = self.limits.get(argument.name)
        may_be_zero = argument.name == "lr" and getattr(self, "multiply_linear_by_lr", False)
        return "non-negative" if asked and may_be_zero else asked


def _as_tuple(updated):
    return updated if isinstance(updated, tuple) else (updated,)


def proximal(m, point, rate, l1, l2):
    """The proximal operator: shrinks the point by L1 and scales it by L2 (Duchi & Singer 2009)."""
    shrunk = m.sign(point) * m.maximum(m.abs(point) - rate * l1, 0)
    return m.select(m.gt(l1, 0), shrunk, point) / (l2 * rate + 1)


class ResourceApplyGradientDescent(_Apply):
    """var - alpha delta."""

    signature = "var: resource, alpha: T, delta: T ->"
    use_locking: bool = False

    def step(self, m, var, alpha, delta):
        return var - alpha * delta


class ResourceApplyProximalGradientDescent(_Apply):
    """Gradient descent followed by the proximal step of L1 and L2."""

    signature = "var: resource, alpha: T, l1: T, l2: T, delta: T ->"
    use_locking: bool = False

    def step(self, m, var, alpha, l1, l2, delta):
        return proximal(m, var - delta * alpha, alpha, l1, l2)


class ResourceApplyMomentum(_Apply):
    """accum = momentum accum + grad; var - lr accum."""

    signature = "var: resource, accum: resource, lr: T, grad: T, momentum: T ->"
    use_locking: bool = False
    use_nesterov: bool = False

    def step(self, m, var, accum, lr, grad, momentum):
        accum = accum * momentum + grad
        if self.use_nesterov:
            return var - (grad * lr + accum * momentum * lr), accum
        return var - accum * lr, accum


class ResourceApplyKerasMomentum(_Apply):
    """accum = momentum accum - lr grad; var + accum."""

    signature = "var: resource, accum: resource, lr: T, grad: T, momentum: T ->"
    use_locking: bool = False
    use_nesterov: bool = False

    def step(self, m, var, accum, lr, grad, momentum):
        accum = accum * momentum - grad * lr
        if self.use_nesterov:
            return var + (accum * momentum - grad * lr), accum
        return var + accum, accum


class ResourceApplyAdam(_Apply):
    """Adam (Kingma & Ba 2015), with epsilon outside the root."""

    signature = """var: resource, m: resource, v: resource, beta1_power: T, beta2_power: T, lr: T,
        beta1: T, beta2: T, epsilon: T, grad: T ->"""
    use_locking: bool = False
    use_nesterov: bool = False

    def step(self, s, var, m, v, beta1_power, beta2_power, lr, beta1, beta2, epsilon, grad):
        alpha = lr * s.sqrt(1 - beta2_power) / (1 - beta1_power)
        m = m + (grad - m) * (1 - beta1)
        v = v + (s.square(grad) - v) * (1 - beta2)
        move = grad * (1 - beta1) + beta1 * m if self.use_nesterov else m
        return var - (move * alpha) / (s.sqrt(v) + epsilon), m, v


class ResourceApplyAdamWithAmsgrad(_Apply):
    """Adam with a second moment that never falls (Reddi, Kale & Kumar 2018)."""

    signature = """var: resource, m: resource, v: resource, vhat: resource, beta1_power: T,
        beta2_power: T, lr: T, beta1: T, beta2: T, epsilon: T, grad: T ->"""
    use_locking: bool = False

    def step(self, s, var, m, v, vhat, beta1_power, beta2_power, lr, beta1, beta2, epsilon, grad):
        alpha = lr * s.sqrt(1 - beta2_power) / (1 - beta1_power)
        m = m + (grad - m) * (1 - beta1)
        v = v + (s.square(grad) - v) * (1 - beta2)
        vhat = s.maximum(vhat, v)
        return var - (m * alpha) / (s.sqrt(vhat) + epsilon), m, v, vhat


class ResourceApplyAdaMax(_Apply):
    """Adam under the infinity norm (Kingma & Ba 2015, section 7.1)."""

    signature = """var: resource, m: resource, v: resource, beta1_power: T, lr: T, beta1: T,
        beta2: T, epsilon: T, grad: T ->"""
    use_locking: bool = False

    def step(self, s, var, m, v, beta1_power, lr, beta1, beta2, epsilon, grad):
        m = m + (grad - m) * (1 - beta1)
        v = s.maximum(beta2 * v, s.abs(grad))
        return var - lr / (1 - beta1_power) * (m / (v + epsilon)), m, v


class ResourceApplyAdagrad(_Apply):
    """AdaGrad (Duchi, Hazan & Singer 2011)."""

    signature = "var: resource, accum: resource, lr: T, grad: T ->"
    use_locking: bool = False
    update_slots: bool = True

    def step(self, m, var, accum, lr, grad):
        if self.update_slots:
            accum = accum + m.square(grad)
        return var - grad * lr * m.rsqrt(accum), accum


class ResourceApplyAdagradV2(_Apply):
    """AdaGrad with epsilon added to the root."""

    signature = "var: resource, accum: resource, lr: T, epsilon: T, grad: T ->"
    use_locking: bool = False
    update_slots: bool = True

    def step(self, m, var, accum, lr, epsilon, grad):
        if self.update_slots:
            accum = accum + m.square(grad)
        return var - grad * lr / (m.sqrt(accum) + epsilon), accum


class ResourceApplyAdagradDA(_Apply):
    """AdaGrad by dual averaging."""

    signature = """var: resource, gradient_accumulator: resource,
        gradient_squared_accumulator: resource, grad: T, lr: T, l1: T, l2: T, global_step: int64
        ->"""
    use_locking: bool = False

    def step(self, m, var, total, squares, grad, lr, l1, l2, global_step):
        total = total + grad
        squares = squares + m.square(grad)
        steps = _as_type(m, global_step, grad)
        shrunk = m.sign(total) * m.maximum(m.abs(total) - l1 * steps, 0)
        numerator = -lr * m.select(m.gt(l1, 0), shrunk, total)
        return numerator / (l2 * steps * lr + m.sqrt(squares)), total, squares


class ResourceApplyProximalAdagrad(_Apply):
    """AdaGrad followed by the proximal step of L1 and L2."""

    signature = "var: resource, accum: resource, lr: T, l1: T, l2: T, grad: T ->"
    use_locking: bool = False
    limits: ClassVar = {"lr": "positive", "l1": "non-negative", "l2": "non-negative"}

    def step(self, m, var, accum, lr, l1, l2, grad):
        accum = accum + m.square(grad)
        rate = lr * m.rsqrt(accum)
        return proximal(m, var - grad * rate, rate, l1, l2), accum


class ResourceApplyAdadelta(_Apply):
    """ADADELTA (Zeiler 2012)."""

    signature = """var: resource, accum: resource, accum_update: resource, lr: T, rho: T,
        epsilon: T, grad: T ->"""
    use_locking: bool = False

    def step(self, m, var, accum, accum_update, lr, rho, epsilon, grad):
        accum = accum * rho + m.square(grad) * (1 - rho)
        update = m.sqrt(accum_update + epsilon) * m.rsqrt(accum + epsilon) * grad
        accum_update = accum_update * rho + m.square(update) * (1 - rho)
        return var - update * lr, accum, accum_update


class ResourceApplyRMSProp(_Apply):
    """RMSProp with momentum (Tieleman & Hinton 2012)."""

    signature = """var: resource, ms: resource, mom: resource, lr: T, rho: T, momentum: T,
        epsilon: T, grad: T ->"""
    use_locking: bool = False

    def step(self, m, var, ms, mom, lr, rho, momentum, epsilon, grad):
        ms = ms + (m.square(grad) - ms) * (1 - rho)
        mom = mom * momentum + (grad * lr) / m.sqrt(ms + epsilon)
        return var - mom, ms, mom


class ResourceApplyCenteredRMSProp(_Apply):
    """RMSProp by an estimate of the gradient's variance (Graves 2013)."""

    signature = """var: resource, mg: resource, ms: resource, mom: resource, lr: T, rho: T,
        momentum: T, epsilon: T, grad: T ->"""
    use_locking: bool = False

    def step(self, m, var, mg, ms, mom, lr, rho, momentum, epsilon, grad):
        ms = ms + (m.square(grad) - ms) * (1 - rho)
        mg = mg + (grad - mg) * (1 - rho)
        mom = mom * momentum + (grad * lr) / m.sqrt(ms - m.square(mg) + epsilon)
        return var - mom, mg, ms, mom


def follow_the_leader(op, m, var, accum, linear, grad, shrunk_grad, lr, l1, l2, lr_power):
    """The new values of var, accum and linear (McMahan et al. 2013, "Ad click prediction")."""
    total = accum + m.square(grad)
    power, before = m.pow(total, -lr_power), m.pow(accum, -lr_power)
    if op.multiply_linear_by_lr:
        linear = linear + shrunk_grad * lr - (power - before) * var
        limit, quadratic = l1 * lr, power + 2 * l2 * lr
    else:
        linear = linear + shrunk_grad - (power - before) / lr * var
        limit, quadratic = l1, power / lr + 2 * l2
    outside = m.gt(m.abs(linear), limit)
    # NaN is not outside: as in TensorFlow it makes 0, so the zero is not computed from `linear`.
    var = m.select(outside, (m.sign(linear) * limit - linear) / quadratic, 0 * limit)
    return var, total, linear


class ResourceApplyFtrl(_Apply):
    """Follow the regularized leader."""

    signature = """var: resource, accum: resource, linear: resource, grad: T, lr: T, l1: T, l2: T,
        lr_power: T ->"""
    use_locking: bool = False
    multiply_linear_by_lr: bool = False

    def step(self, m, var, accum, linear, grad, lr, l1, l2, lr_power):
        return follow_the_leader(self, m, var, accum, linear, grad, grad, lr, l1, l2, lr_power)


class ResourceApplyFtrlV2(_Apply):
    """Follow the regularized leader with an L2 shrinkage of the gradient."""

    signature = """var: resource, accum: resource, linear: resource, grad: T, lr: T, l1: T, l2: T,
        l2_shrinkage: T, lr_power: T ->"""
    use_locking: bool = False
    multiply_linear_by_lr: bool = False

    def step(self, m, var, accum, linear, grad, lr, l1, l2, l2_shrinkage, lr_power):
        shrunk = grad + 2 * l2_shrinkage * var
        return follow_the_leader(self, m, var, accum, linear, grad, shrunk, lr, l1, l2, lr_power)


class ResourceApplyAddSign(_Apply):
    """AddSign (Bello et al. 2017)."""

    signature = "var: resource, m: resource, lr: T, alpha: T, sign_decay: T, beta: T, grad: T ->"
    use_locking: bool = False

    def step(self, s, var, m, lr, alpha, sign_decay, beta, grad):
        m = m * beta + grad * (1 - beta)
        agreement = s.sign(grad) * s.sign(m)
        return var - lr * (alpha + sign_decay * agreement) * grad, m


class ResourceApplyPowerSign(_Apply):
    """PowerSign (Bello et al. 2017)."""

    signature = "var: resource, m: resource, lr: T, logbase: T, sign_decay: T, beta: T, grad: T ->"
    use_locking: bool = False

    def step(self, s, var, m, lr, logbase, sign_decay, beta, grad):
        m = m * beta + grad * (1 - beta)
        agreement = s.sign(grad) * s.sign(m)
        return var - lr * s.exp(logbase * sign_decay * agreement) * grad, m


def _as_type(m, value, like):
    return value.astype(like.dtype) if m is HostMath else m.cast(value, like.dtype)
