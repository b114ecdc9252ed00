from penstock.keras.utils import *
