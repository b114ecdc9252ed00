from penstock.feature_column import *
