"""Commands that run a program and measure it: `penstock tune` its matrix products, `penstock top` what it holds and waits for."""
