from penstock.keras.losses import *
