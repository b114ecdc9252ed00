from penstock.keras.applications import *
