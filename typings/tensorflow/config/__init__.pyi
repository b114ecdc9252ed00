from penstock.config import *
