from penstock.keras.ops.nn import *
