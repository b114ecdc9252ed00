"""tf.config and tf.sysconfig: devices, threads, optimizer options, determinism, build facts."""
