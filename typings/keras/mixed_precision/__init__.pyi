from penstock.keras.mixed_precision import *
