from penstock.keras.optimizers.schedules import *
