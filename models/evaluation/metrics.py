"""One number for predictions of one target: the same code for every method."""
import numpy as np
from sklearn.metrics import mean_absolute_error, mean_squared_error, roc_auc_score

RANKED_BY = {"regression": "rmse", "binary": "auroc"}
HIGHER_IS_BETTER = {"rmse": False, "auroc": True}


def scores(task: str, measured: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    if task == "binary":
        return {"auroc": float(roc_auc_score(measured, predicted))}
    return {"rmse": float(mean_squared_error(measured, predicted, squared=False)),
            "mae": float(mean_absolute_error(measured, predicted))}
