from penstock.keras.applications.efficientnet import *
