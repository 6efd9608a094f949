"""Writes data/task_numbers.json: metrics, fitted target scalers and class losses as scikit-learn and
SciPy compute them, for tests/golden/task_numbers_test.cpp. Run by hand (Debian: python3-sklearn)."""
import json
import warnings
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn import metrics, preprocessing

warnings.simplefilter("ignore")  # undefined metrics are what some cases are about
rng = np.random.RandomState(5)
EPS = float(np.finfo(np.float32).eps)


def complete(measured, predicted):
    rows = ~np.isnan(measured) & ~np.isnan(predicted.reshape(len(measured), -1)).any(axis=1)
    return measured[rows], predicted[rows]


def attempt(function, *arguments, **keywords):
    try:
        value = float(function(*arguments, **keywords))
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def value_case(name, y, f):
    t, p = complete(y, f)
    mse = attempt(metrics.mean_squared_error, t, p)
    several = len(set(t)) > 1
    return dict(name=name, task="regression", measured=y.tolist(), predicted=f.tolist(), classes=1, metrics=dict(
        mse=mse, rmse=None if mse is None else float(np.sqrt(mse)), mae=attempt(metrics.mean_absolute_error, t, p),
        r2=attempt(metrics.r2_score, t, p) if several else None,
        pearson=attempt(lambda: stats.pearsonr(t, p)[0]), spearman=attempt(lambda: stats.spearmanr(t, p)[0])))


def binary_case(name, y, p):
    t, q = complete(y, p)
    label = (q > .5).astype(int)
    return dict(name=name, task="binary", measured=y.tolist(), predicted=p.tolist(), classes=1, metrics=dict(
        auroc=attempt(metrics.roc_auc_score, t, q),
        auprc=attempt(metrics.average_precision_score, t, q) if t.any() else None,
        accuracy=attempt(metrics.accuracy_score, t, label), f1=attempt(metrics.f1_score, t, label),
        mcc=attempt(metrics.matthews_corrcoef, t, label),
        logloss=attempt(metrics.log_loss, t, q, labels=[0, 1], eps=EPS)))


def mean_over_classes(function, t, p):
    """Each class against the others, where it has members and others."""
    values = [function(t == c, p[:, c]) for c in range(p.shape[1]) if 0 < (t == c).sum() < len(t)]
    return float(np.mean(values)) if values else None


def classes_case(name, y, p):
    t, q = complete(y, p)
    classes = p.shape[1]
    label = q.argmax(axis=1)
    auroc = mean_over_classes(metrics.roc_auc_score, t, q)
    if len(set(t)) == classes and np.allclose(q.sum(axis=1), 1, atol=1e-15):  # scikit-learn takes no others
        assert abs(auroc - metrics.roc_auc_score(t, q, multi_class="ovr")) < 1e-13
    return dict(name=name, task="multiclass", measured=y.tolist(), predicted=p.ravel().tolist(), classes=classes,
                metrics=dict(auroc=auroc, auprc=mean_over_classes(metrics.average_precision_score, t, q),
                             accuracy=attempt(metrics.accuracy_score, t, label),
                             f1=attempt(metrics.f1_score, t, label, average="macro"),
                             mcc=attempt(metrics.matthews_corrcoef, t, label),
                             logloss=attempt(metrics.log_loss, t, q, labels=range(classes), eps=EPS)))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def metric_cases():
    y, noise = np.round(rng.randn(60) * 3 + 2, 3), np.round(rng.randn(60), 3)
    f = y + noise
    gaps = y.copy()
    gaps[[3, 40]] = np.nan
    f_gaps = f.copy()
    f_gaps[[7, 40]] = np.nan
    yield value_case("values", y, f)
    yield value_case("ties", np.round(y), np.round(f))
    yield value_case("gaps", gaps, f_gaps)
    yield value_case("far from zero", y + 1e6, f + 1e6)
    yield value_case("equal predictions", y, np.full(60, 2.))
    yield value_case("equal values", np.full(60, 2.), f)
    yield value_case("two rows", y[:2], f[:2])
    p = np.round(1 / (1 + np.exp(-rng.randn(80) * 2)), 4)
    t = (rng.rand(80) < p).astype(float)
    t_gaps = t.copy()
    t_gaps[[0, 5, 9]] = np.nan
    yield binary_case("binary", t, p)
    yield binary_case("tied probabilities", t, np.round(p, 1))
    yield binary_case("rare class", (rng.rand(80) < .06).astype(float), p)
    yield binary_case("gaps in labels", t_gaps, p)
    yield binary_case("certain and wrong", t, np.where(np.arange(80) % 9, p, 1 - t))
    yield binary_case("one class: 0", np.zeros(12), p[:12])
    yield binary_case("one class: 1", np.ones(12), p[:12])
    yield binary_case("all predicted 0", t, p * .4)
    yield binary_case("equal probabilities", t, np.full(80, .3))
    z = rng.randn(90, 4)
    c = np.array([rng.choice(4, p=row) for row in softmax(2 * z)]).astype(float)
    yield classes_case("classes", c, softmax(z))
    yield classes_case("float32 classes", c, softmax(z).astype(np.float32).astype(float))
    yield classes_case("ties of classes", c, np.round(softmax(z), 1) + .01)
    yield classes_case("an absent class", np.where(c == 3, 1., c), softmax(z))
    yield classes_case("one class only", np.full(9, 2.), softmax(z)[:9])


def scaler_case(kind, scaler, y, **fields):
    values = [float(v) for v in (y.min(), np.median(y), y.max(), y.mean())]
    return dict(kind=kind, values=y.tolist(), probe=values,
                scaled=scaler.transform(np.array(values).reshape(-1, 1)).ravel().tolist(), **fields)


def scaler_cases():
    sets = dict(normal=rng.randn(101) * 2 + 1, skewed=np.exp(rng.randn(64) * 1.2), ties=np.round(rng.randn(50)),
                negative=-np.exp(rng.randn(40)), two=np.array([1.5, 4.]), many=rng.gamma(2., 3., 1100))
    sets = {name: np.round(y, 3) for name, y in sets.items()}
    for name, y in sets.items():
        column = y.reshape(-1, 1)
        s = preprocessing.StandardScaler().fit(column)
        yield scaler_case("standard", s, y, name=name, mean=s.mean_[0], scale=s.scale_[0])
        s = preprocessing.RobustScaler().fit(column)
        yield scaler_case("robust", s, y, name=name, mean=s.center_[0], scale=s.scale_[0])
        s = preprocessing.MinMaxScaler().fit(column)
        yield scaler_case("minmax", s, y, name=name, mean=y.min(), scale=y.max() - y.min())
        s = preprocessing.QuantileTransformer(n_quantiles=min(1000, len(y)), subsample=10**6).fit(column)
        yield scaler_case("quantile", s, y, name=name)
        if name != "two":
            s = preprocessing.PowerTransformer().fit(column)
            yield scaler_case("power", s, y, name=name, **{"lambda": s.lambdas_[0]})


def skew_cases():
    for name, y in dict(normal=rng.randn(200), skewed=np.exp(rng.randn(300) * 2),
                        tailed=np.append(rng.randn(300), 40.), at_minus_one=np.append(-1., np.exp(rng.randn(300) * 2)),
                        edge=np.append(rng.randn(80) + 9, [21.])).items():
        y = np.round(y, 3)
        skew, kurtosis = float(stats.skew(y)), float(stats.kurtosis(y))
        log1p = (abs(skew) > 5 or abs(kurtosis) > 20) and y.min() > -1
        yield dict(name=name, values=y.tolist(), skew=skew, kurtosis=kurtosis, log1p=bool(log1p))


def loss_cases():
    """Weighted means of the log loss by scikit-learn, focal losses by their formula in f64."""
    z = np.round(rng.randn(40) * 3, 3)
    y = (rng.rand(40) < 1 / (1 + np.exp(-z))).astype(int)
    w = rng.rand(40) * 2
    class_weights = [1., 5.]
    p = 1 / (1 + np.exp(-z))
    by_class = np.array(class_weights)[y]
    p_label = np.where(y == 1, p, 1 - p)
    alpha = np.where(y == 1, .25, .75)
    yield dict(kind="bce", z=z.tolist(), y=y.tolist(), weights=w.tolist(), class_weights=class_weights,
               plain=metrics.log_loss(y, p, eps=1e-300), weighted=metrics.log_loss(y, p, eps=1e-300, sample_weight=w * by_class))
    yield dict(kind="focal", z=z.tolist(), y=y.tolist(), weights=w.tolist(), class_weights=class_weights,
               plain=float(np.mean(-alpha * (1 - p_label)**2 * np.log(p_label))),
               weighted=float(np.average(-alpha * (1 - p_label)**2 * np.log(p_label), weights=w * by_class)))
    z = np.round(rng.randn(30, 3) * 2, 3)
    y = np.array([rng.choice(3, p=row) for row in softmax(z)])
    w = rng.rand(30) * 2
    class_weights = [.5, 2., 3.]
    p = softmax(z)
    by_class = np.array(class_weights)[y]
    p_label = p[np.arange(30), y]
    yield dict(kind="ce", z=z.ravel().tolist(), y=y.tolist(), weights=w.tolist(), class_weights=class_weights,
               plain=metrics.log_loss(y, p, eps=1e-300), weighted=metrics.log_loss(y, p, eps=1e-300, sample_weight=w * by_class))
    yield dict(kind="focal", z=z.ravel().tolist(), y=y.tolist(), weights=w.tolist(), class_weights=class_weights,
               plain=float(np.mean(-(1 - p_label)**2 * np.log(p_label))),
               weighted=float(np.average(-(1 - p_label)**2 * np.log(p_label), weights=w * by_class)))


def thresholds():
    """unimol_tools' rule: the best f1_score of 20 points."""
    p = 1 / (1 + np.exp(-rng.randn(50)))
    t = (rng.rand(50) < p).astype(int)
    best, best_f1 = None, -np.inf
    for threshold in np.linspace(p.min(), p.max(), 20):
        f1 = metrics.f1_score(t, (p > threshold).astype(int))
        if f1 > best_f1:
            best, best_f1 = float(threshold), f1
    return dict(measured=t.tolist(), predicted=p.tolist(), threshold=best)


text = json.dumps(dict(metrics=list(metric_cases()), scalers=list(scaler_cases()), skews=list(skew_cases()),
                       losses=list(loss_cases()), threshold=thresholds()))
path = Path(__file__).parent / "data" / "task_numbers.json"
path.write_text(text.replace("NaN", '"NaN"').replace('}, {"', '},\n {"') + "\n")
