from penstock.keras.models import *
