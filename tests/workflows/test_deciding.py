"""The options that decide a choice are checked against one another before any data is read."""

import numpy as np
import pytest

import likely as lk

X = [1.0, 2.0, 4.0, 8.0, 9.0]
OPEN = lk.Normal(variance=lk.choose([1, 2]))
MISSING = (
    "Normal(variance=choose([1, 2])) leaves a choice open; say how to decide it: by held-out likelihood with folds=10 "
    "or holdout=0.3, or with by='bic', 'aic' or 'icl'"
)
FOLDS = (
    "it is a whole number from 2, a column or array that says of each row in which fold it is, or a splitter of "
    "scikit-learn."
)
SHARE = "it is the share of the rows to hold out, between 0 and 1, as in holdout=0.3."

REFUSED = [
    ({}, MISSING + "."),
    ({"by": "cv"}, MISSING + " (got by='cv')."),
    ({"folds": 1}, f"folds=1; {FOLDS}"),
    ({"folds": 2.5}, f"folds=2.5; {FOLDS}"),
    ({"folds": True}, f"folds=True; {FOLDS}"),
    ({"folds": 6}, "folds=6, but the data has only 5 rows; every fold needs at least one. Ask for at most 5."),
    ({"holdout": 0}, f"holdout=0; {SHARE}"),
    ({"holdout": 1.0}, f"holdout=1.0; {SHARE}"),
    ({"holdout": 30}, f"holdout=30; {SHARE}"),
    (
        {"by": "bic", "folds": 3},
        "by='bic' and folds=3: each of them decides what choose(...) leaves open; give one and leave out the rest.",
    ),
    (
        {"holdout": 0.3, "folds": np.zeros(5)},
        "folds=... and holdout=0.3: each of them decides what choose(...) leaves open; give one and leave out the "
        "rest.",
    ),
    (
        {"by": "bic", "repeats": 2},
        "repeats=2 deals the rows into other folds each time, and there are no folds to deal them into; write a "
        "number, as in folds=10, or leave repeats out.",
    ),
    (
        {"folds": [0, 0, 1, 1, 1], "repeats": 2},
        "repeats=2 deals the rows into other folds each time, and folds=... are given; write a number, as in folds=10, "
        "or leave repeats out.",
    ),
    (
        {"folds": 2, "repeats": 0},
        "repeats=0; it is how often rows are dealt into folds, a whole number from 1.",
    ),
    ({"folds": 2, "rule": "2se"}, "rule='2se'; it is 'best' or '1se'."),
    (
        {"by": "aic", "rule": "1se"},
        "rule='1se' compares held-out scores; decide with folds=10 or holdout=0.3, or leave rule out.",
    ),
    (
        {"by": "aic", "groups": [1, 1, 2, 2, 2]},
        "groups=... says which rows are held out together, and none are held out; decide with folds=10 or holdout=0.3, "
        "or leave groups out.",
    ),
    (
        {"folds": [0, 0, 1, 1, 1], "groups": [1, 1, 2, 2, 2]},
        "folds=... already says which rows belong together; leave groups out.",
    ),
    ({"folds": 2, "groups": [1, 2]}, "groups has 2 values, the data has 5 rows; one for each is needed."),
    ({"folds": [0, 1]}, "folds has 2 values, the data has 5 rows; one for each is needed."),
    (
        {"folds": 2, "groups": [1, 2, None, 1, 1]},
        "groups row 3 is nan; a group is a number or a text, and every row needs one.",
    ),
    (
        {"holdout": 0.1, "rule": "1se"},
        "rule='1se' needs a standard error, and 10 % of the rows leaves one held-out score only. Hold out more, or use "
        "rule='best'.",
    ),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_cannot_be_decided_is_refused(options, message):
    with pytest.raises(lk.InputError) as error:
        lk.fit(OPEN, X, **options)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("options", "shown"), [({"by": "bic"}, "by='bic'"), ({"folds": 5}, "folds=5"), ({"holdout": 0.2}, "holdout=0.2")]
)
def test_nothing_to_decide_is_refused(options, shown):
    with pytest.raises(lk.ModelError) as error:
        lk.fit(lk.Normal(), X, **options)
    assert str(error.value) == f"{shown} decides what choose(...) leaves open, and Normal() leaves nothing open."
