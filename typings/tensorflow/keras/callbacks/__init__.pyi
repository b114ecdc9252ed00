from penstock.keras.callbacks import *
