from penstock.keras.applications.mobilenet_v2 import *
