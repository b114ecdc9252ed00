from penstock.keras.ops.numpy import *
