from penstock.train import *
