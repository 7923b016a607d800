"""Makes tag_regression.json: one binary logistic regression for each tag, by scikit-learn 1.9.1.

python3 -m venv V; V/bin/pip install numpy scikit-learn
Run: V/bin/python tag_regression.py > tag_regression.json
"""

import json

import numpy
import sklearn
from sklearn.linear_model import LogisticRegression

random = numpy.random.default_rng(4)
rows = (random.normal(size=(60, 5)) * [1, 3, 0.2, 1, 10] + [0, 5, 0, -2, 30]).astype("float32")
standard = (rows - rows.mean(0)) / rows.std(0)
tags = numpy.stack([standard[:, 0] + random.normal(size=60) > 1.2,
                    standard[:, 1] - standard[:, 4] + random.normal(size=60) > 0,
                    random.random(60) < 0.3], axis=1)
fits = []
for weighting in (None, "balanced"):
    for c in (0.05, 2.0):
        models = [LogisticRegression(C=c, class_weight=weighting, tol=1e-10, max_iter=10000)
                  .fit(standard, tags[:, k]) for k in range(3)]
        fits.append({
            "isBalanced": weighting is not None, "inverseRegularization": c,
            "weight": [float(x) for m in models for x in m.coef_[0]],
            "bias": [float(m.intercept_[0]) for m in models],
            "probabilities": [float(x) for row in zip(
                *[m.predict_proba(standard)[:, 1] for m in models]) for x in row]})
print(json.dumps({"version": sklearn.__version__, "width": 5, "tagCount": 3,
                  "rows": [float(x) for x in rows.ravel()],
                  "isPresent": [bool(x) for x in tags.ravel()], "fits": fits}))
