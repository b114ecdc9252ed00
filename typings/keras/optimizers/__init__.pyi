from penstock.keras.optimizers import *
