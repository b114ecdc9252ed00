"""GPflow fits a Gaussian process by L-BFGS, and a sparse one by gradient steps."""

import gpflow
import numpy as np
import tensorflow as tf

random = np.random.default_rng(0)
x = random.uniform(0.0, 1.0, [40, 1])
y = np.sin(12 * x) + 0.66 * np.cos(25 * x) + 0.1 * random.normal(size=[40, 1]) + 3

model = gpflow.models.GPR(
    (x, y), kernel=gpflow.kernels.Matern52(), mean_function=gpflow.functions.Constant()
)
result = gpflow.optimizers.Scipy().minimize(
    model.training_loss, model.trainable_variables, options={"maxiter": 60}
)
print(f"L-BFGS: loss {result.fun:.3f} after {result.nit} steps")

sparse = gpflow.models.SVGP(
    gpflow.kernels.SquaredExponential(lengthscales=0.1),
    gpflow.likelihoods.Gaussian(0.1),
    x[::2].copy(),
    mean_function=gpflow.functions.Constant(3.0),
    num_data=len(x),
)
bound = sparse.training_loss_closure((x, y))
adam = tf.keras.optimizers.Adam(0.05)


@tf.function
def step():
    """One step on the bound of the likelihood."""
    with tf.GradientTape() as tape:
        loss = bound()
    variables = sparse.trainable_variables
    adam.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return loss


losses = [float(step()) for _ in range(100)]
print(f"sparse: bound {losses[0]:.1f} -> {losses[-1]:.1f}")

grid = np.linspace(0.1, 0.9, 9)[:, None]
truth = np.sin(12 * grid) + 0.66 * np.cos(25 * grid) + 3
mean, _ = model.predict_f(grid)
print(f"root of mean squared error {np.sqrt(np.mean((mean - truth) ** 2)):.3f}")
