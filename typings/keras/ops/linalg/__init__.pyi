from penstock.keras.ops.linalg import *
