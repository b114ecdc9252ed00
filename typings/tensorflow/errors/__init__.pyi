from penstock.errors import *
