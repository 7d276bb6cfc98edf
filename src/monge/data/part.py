"""What the parts of a data set are usually called."""

import re

_SET = r"([-_ .]?(set|data|images|imgs|img|split|\d{4}))?"
TRAINING = re.compile(rf"(train|training|trn){_SET}", re.IGNORECASE)
TEST = re.compile(rf"(test|testing|tst|held[-_ .]?out|holdout){_SET}", re.IGNORECASE)
VALIDATION = re.compile(rf"(val|valid|validation|dev|eval|evaluation){_SET}", re.IGNORECASE)
