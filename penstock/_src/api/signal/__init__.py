"""tf.signal: Fourier and cosine transforms, windows, frames, mel scales."""
