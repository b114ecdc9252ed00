from penstock.keras.optimizers.legacy import *
