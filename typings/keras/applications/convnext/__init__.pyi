from penstock.keras.applications.convnext import *
