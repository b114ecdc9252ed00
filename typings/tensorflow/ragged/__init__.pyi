from penstock.ragged import *
