from penstock.keras.legacy import *
