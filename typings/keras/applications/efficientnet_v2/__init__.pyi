from penstock.keras.applications.efficientnet_v2 import *
