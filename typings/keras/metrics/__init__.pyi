from penstock.keras.metrics import *
