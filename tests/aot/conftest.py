"""Models of these tests are Keras's, which runs on Penstock."""

import penstock

penstock.install_as_tensorflow()
