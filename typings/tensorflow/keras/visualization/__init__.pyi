from penstock.keras.visualization import *
