from penstock.saved_model import *
