"""Activations that are raw ops, and their gradient ops."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, SLOWEST, Elements, HostKernel, Values
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT, REAL
from penstock._src.core.values.numpy_loops import BETWEEN, INPUT, RESULT, Loop
from penstock._src.ops.rules import in_float32, of_one_shape, quiet, where, zeros_like

# Klambauer, Unterthiner, Mayr & Hochreiter 2017, "Self-normalizing neural networks"
SELU_SCALE = 1.0507009873554804934193349852946
SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


class _Activation(Op):
    """An activation of one input."""

    signature = "features: T -> activations: T[features]"
    T = FLOAT
    elements = Elements(is_elementwise=True)


class _ActivationGrad(Op):
    """The gradient of an activation, elementwise."""

    signature = "gradients: T, features: T -> backprops: T[gradients & features]"
    T = FLOAT
    elements = Elements(is_elementwise=True)
    vectorize = "rows, rows"  # shapes are equal, not broadcast


class Relu(Op):
    """max(features, 0), elementwise."""

    signature = "features: T -> activations: T[features]"
    T = REAL | {dtypes.qint8}
    elements = Elements(is_elementwise=True)
    values = Values(eager_is_exact=True)
    numpy_loops = (Loop(np.maximum, RESULT, (INPUT, 0.0)),)

    def gradient(self, _features, activations, dy):
        return raw.ReluGrad(gradients=dy, features=activations)

    def eager(self, features):
        return np.maximum(features, features.dtype.type(0))

    def lower(self, p, features):
        return p.maximum(features, 0)


class ReluGrad(Op):
    """The gradient where the features (or the activations) are positive, else zero."""

    signature = "gradients: T, features: T -> backprops: T[gradients & features]"
    T = REAL
    elements = Elements(is_elementwise=True)
    vectorize = "rows, rows"  # shapes are equal, not broadcast

    def gradient(self, _gradients, features, _backprops, dy):
        return raw.ReluGrad(gradients=dy, features=features), zeros_like(features)

    @of_one_shape
    @quiet
    def eager(self, gradients, features):
        # a product as in TensorFlow: an infinite gradient becomes NaN, not zero
        return gradients * (features > 0).astype(gradients.dtype)

    def lower(self, p, gradients, features):
        return p.mul(gradients, p.cast(p.gt(features, 0), self.T))


class Relu6(Op):
    """min(max(features, 0), 6), elementwise."""

    signature = "features: T -> activations: T[features]"
    host_kernel = HostKernel(compiles_from=SLOW)
    T = REAL
    elements = Elements(is_elementwise=True)
    numpy_loops = (
        Loop(np.maximum, BETWEEN, (INPUT, 0.0)),
        Loop(np.minimum, RESULT, (BETWEEN, 6.0)),
    )

    def gradient(self, _features, activations, dy):
        return raw.Relu6Grad(gradients=dy, features=activations)

    def eager(self, features):
        kind = features.dtype.type
        return np.minimum(np.maximum(features, kind(0)), kind(6))

    def lower(self, p, features):
        return p.minimum(p.maximum(features, 0), 6)


class Relu6Grad(Op):
    """The gradient where the features lie strictly between 0 and 6, else zero."""

    signature = "gradients: T, features: T -> backprops: T[gradients & features]"
    T = REAL
    elements = Elements(is_elementwise=True)
    vectorize = "rows, rows"  # shapes are equal, not broadcast

    def gradient(self, _gradients, features, _backprops, dy):
        return raw.Relu6Grad(gradients=dy, features=features), zeros_like(features)

    @of_one_shape
    @quiet
    def eager(self, gradients, features):
        inside = (features > 0) & (features < 6)
        return gradients * inside.astype(gradients.dtype)  # a product, as that of ReluGrad

    def lower(self, p, gradients, features):
        inside = p.and_(p.gt(features, 0), p.lt(features, 6))
        return p.mul(gradients, p.cast(inside, self.T))


class LeakyRelu(Op):
    """features where positive, alpha * features elsewhere."""

    signature = "features: T -> activations: T[features]"
    host_kernel = HostKernel(compiles_from=SLOW)
    alpha: float = 0.20000000298023224
    T: FLOAT = dtypes.float32
    elements = Elements(is_elementwise=True)

    def gradient(self, features, _activations, dy):
        return raw.LeakyReluGrad(gradients=dy, features=features, alpha=self.alpha)

    @quiet
    def eager(self, features):
        return np.where(features > 0, features, features * features.dtype.type(self.alpha))

    def lower(self, p, features):
        return p.select(p.gt(features, 0), features, features * self.alpha)


class LeakyReluGrad(Op):
    """The gradient where features are positive, alpha * gradient elsewhere."""

    signature = "gradients: T, features: T -> backprops: T[gradients & features]"
    host_kernel = HostKernel(compiles_from=SLOW)
    alpha: float = 0.20000000298023224
    T: FLOAT = dtypes.float32
    elements = Elements(is_elementwise=True)
    vectorize = "rows, rows"  # shapes are equal, not broadcast

    def gradient(self, _gradients, features, _backprops, dy):
        by_gradients = raw.LeakyReluGrad(gradients=dy, features=features, alpha=self.alpha)
        return by_gradients, zeros_like(features)

    @of_one_shape
    @quiet
    def eager(self, gradients, features):
        return np.where(features > 0, gradients, gradients * gradients.dtype.type(self.alpha))

    def lower(self, p, gradients, features):
        return p.select(p.gt(features, 0), gradients, gradients * self.alpha)


class Elu(_Activation):
    """exp(features) - 1 where negative, features elsewhere."""

    host_kernel = HostKernel(compiles_from=SLOWEST)

    def gradient(self, _features, activations, dy):
        return raw.EluGrad(gradients=dy, outputs=activations)

    @quiet
    def eager(self, features):
        return np.where(features < 0, np.expm1(features), features)

    def lower(self, p, features):
        return p.select(p.lt(features, 0), p.expm1(features), features)


class _GradientOfExponential(Op):
    """The gradient of an activation that is exponential below zero and linear above, from its outputs."""

    signature = "gradients: T, outputs: T -> backprops: T[gradients & outputs]"
    host_kernel = HostKernel(compiles_from=SLOW)
    T = FLOAT
    elements = Elements(is_elementwise=True)
    vectorize = "rows, rows"  # shapes are equal, not broadcast

    def gradient(self, gradients, outputs, _backprops, dy):
        negative = raw.Less(x=outputs, y=zeros_like(outputs))
        return (
            getattr(raw, self.op_type)(gradients=dy, outputs=outputs),
            where(negative, dy * gradients, zeros_like(gradients)),
        )


class EluGrad(_GradientOfExponential):
    """The gradient of Elu from its outputs."""

    @of_one_shape
    @quiet
    def eager(self, gradients, outputs):
        return np.where(outputs < 0, gradients * (outputs + outputs.dtype.type(1)), gradients)

    def lower(self, p, gradients, outputs):
        return p.select(p.lt(outputs, 0), gradients * (outputs + 1), gradients)


class Selu(_Activation):
    """Elu with the scale and slope of self-normalizing networks."""

    host_kernel = HostKernel(compiles_from=SLOWEST)

    def gradient(self, _features, activations, dy):
        return raw.SeluGrad(gradients=dy, outputs=activations)

    @quiet
    def eager(self, features):
        kind = features.dtype.type
        negative = kind(SELU_SCALE_ALPHA) * np.expm1(features)
        return np.where(features < 0, negative, kind(SELU_SCALE) * features)

    def lower(self, p, features):
        negative = p.expm1(features) * SELU_SCALE_ALPHA
        return p.select(p.lt(features, 0), negative, features * SELU_SCALE)


class SeluGrad(_GradientOfExponential):
    """The gradient of Selu from its outputs."""

    @of_one_shape
    @quiet
    def eager(self, gradients, outputs):
        kind = gradients.dtype.type
        negative = gradients * (outputs + kind(SELU_SCALE_ALPHA))
        return np.where(outputs < 0, negative, gradients * kind(SELU_SCALE))

    def lower(self, p, gradients, outputs):
        negative = gradients * (outputs + SELU_SCALE_ALPHA)
        return p.select(p.lt(outputs, 0), negative, gradients * SELU_SCALE)


class Softplus(_Activation):
    """log(1 + exp(features)), computed without overflow."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    values = Values(in_float32=True)

    def gradient(self, features, _activations, dy):
        return raw.SoftplusGrad(gradients=dy, features=features)

    numpy_loops = (
        Loop(np.absolute, BETWEEN, (INPUT,)), Loop(np.negative, BETWEEN, (BETWEEN,)), Loop(np.exp, BETWEEN, (BETWEEN,)),
        Loop(np.log1p, BETWEEN, (BETWEEN,)), Loop(np.maximum, RESULT, (INPUT, 0.0)), Loop(np.add, RESULT, (RESULT, BETWEEN)),
    )  # fmt: skip

    @quiet
    def eager(self, features):
        x = in_float32(features)
        y = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
        return y.astype(features.dtype, copy=False)

    def lower(self, p, features):
        return p.maximum(features, 0) + p.log1p(p.exp(-p.abs(features)))


class SoftplusGrad(_ActivationGrad):
    """gradients * sigmoid(features)."""

    host_kernel = HostKernel(compiles_from=SLOW)

    def gradient(self, gradients, features, _backprops, dy):
        slope = raw.SoftplusGrad(gradients=dy, features=features)
        rise = raw.Sigmoid(x=features)
        return slope, dy * gradients * rise * raw.Sigmoid(x=-features)

    @of_one_shape
    @quiet
    def eager(self, gradients, features):
        return (gradients / (np.exp(-features) + features.dtype.type(1))).astype(gradients.dtype)

    def lower(self, p, gradients, features):
        return gradients * p.sigmoid(features)


class Softsign(_Activation):
    """features / (|features| + 1)."""

    host_kernel = HostKernel(compiles_from=SLOW)

    def gradient(self, features, _activations, dy):
        return raw.SoftsignGrad(gradients=dy, features=features)

    @quiet
    def eager(self, features):
        return features / (np.abs(features) + features.dtype.type(1))

    def lower(self, p, features):
        return features / (p.abs(features) + 1)


class SoftsignGrad(_ActivationGrad):
    """gradients / (|features| + 1)^2."""

    host_kernel = HostKernel(compiles_from=SLOW)

    def gradient(self, gradients, features, _backprops, dy):
        slope = raw.SoftsignGrad(gradients=dy, features=features)
        size = raw.Abs(x=features) + 1
        return slope, -2 * dy * gradients * raw.Sign(x=features) / (size * size * size)

    @of_one_shape
    @quiet
    def eager(self, gradients, features):
        size = np.abs(features) + features.dtype.type(1)
        return gradients / (size * size)

    def lower(self, p, gradients, features):
        return gradients / p.square(p.abs(features) + 1)
