"""Special functions."""


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    x = random.normal(size=(128, 256)).astype("float32")
    a, b = (random.uniform(0.2, 8, (128, 256)).astype("float32") for _ in range(2))
    share = random.uniform(0.01, 0.99, (128, 256)).astype("float32")
    unary = "lgamma digamma erfc erfcinv erfinv bessel_i0e bessel_i1e ndtri".split()
    inner = {"erfcinv": share, "erfinv": share, "ndtri": share, "lgamma": a, "digamma": a}
    found = {name: (getattr(tf.math, name), (inner.get(name, x),)) for name in unary}
    for name in "bessel_j0 bessel_j1 bessel_k0 bessel_k1 dawsn expint fresnel_cos spence".split():
        found[name] = getattr(tf.math.special, name), (a,)
    return found | {
        "igamma": (tf.math.igamma, (a, b)), "igammac": (tf.math.igammac, (a, b)), "betainc": (tf.math.betainc, (a, b, share)),
        "zeta": (tf.math.zeta, (a + 1.5, b)), "polygamma": (tf.math.polygamma, ((a // 1), b)), "xlogy": (tf.math.xlogy, (a, b)),
        "xlog1py": (tf.math.xlog1py, (a, b)), "lbeta": (tf.math.lbeta, (a,)), "nextafter": (tf.math.nextafter, (a, b)),
    }  # fmt: skip
