"""Writes logistic_regression.json: scikit-learn's fits of two problems for three values of C.

    python logistic_regression.py

Features are standardised by StandardScaler; coefficients are those of the standardised features.
"""

import json
import pathlib

import numpy
import scipy
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler


def numbers(array):
    """Nine digits: what a 32-bit float needs to be read back as itself."""
    return [float(f"{value:.9g}") for value in numpy.ravel(array)]


def problem(seed, rows, width, classes, spread, constant):
    generator = numpy.random.default_rng(seed)
    centres = generator.normal(size=(classes, width)) * spread
    targets = generator.integers(classes, size=2 * rows)
    values = centres[targets] + generator.normal(size=(2 * rows, width))
    # Features of different size and offset, as representations have them.
    values = values * 10.0 ** generator.uniform(-2, 2, width) + generator.normal(size=width) * 5
    if constant:
        values[:, 1] = 3.25
    values = values.astype(numpy.float32)
    train, held = values[:rows], values[rows:]
    scaler = StandardScaler().fit(train.astype(numpy.float64))
    fits = []
    for c in (0.1, 1.0, 10.0):
        model = LogisticRegression(C=c, tol=1e-10, max_iter=100000)
        model.fit(scaler.transform(train.astype(numpy.float64)), targets[:rows])
        standardized = scaler.transform(held.astype(numpy.float64))
        fits.append(
            {
                "c": c,
                "weight": numbers(model.coef_),
                "bias": numbers(model.intercept_),
                "predictions": model.predict(standardized).tolist(),
                "probabilities": numbers(model.predict_proba(standardized)),
            }
        )
    return {
        "width": width,
        "classes": classes,
        "rows": numbers(train),
        "targets": targets[:rows].tolist(),
        "held": numbers(held),
        "fits": fits,
    }


reference = {
    "versions": {
        "scikit-learn": sklearn.__version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
    },
    "problems": [
        problem(1, rows=60, width=4, classes=3, spread=1.0, constant=False),
        problem(2, rows=90, width=8, classes=5, spread=0.7, constant=True),
    ],
}
target = pathlib.Path(__file__).with_suffix(".json")
target.write_text(json.dumps(reference) + "\n")
