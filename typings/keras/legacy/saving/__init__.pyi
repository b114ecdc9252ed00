from penstock.keras.legacy.saving import *
