"""Makes the curves of the PR Curves page: the precision and the recall of one class at each threshold."""

import numpy as np
import numpy.typing as npt

from cluster.tensorboard.summaries import PrCurvePluginData, Summary, TensorProto, TensorShapeProto, tensor

THRESHOLDS = 127


def pr_curve(tag: str, is_class: npt.NDArray[np.bool_], probability: npt.NDArray[np.float32]) -> Summary.Value:
    """Returns the curve of a class; an image counts as it if its probability reaches the threshold.

    Args:
        tag: of the curve.
        is_class: (n,) whether the class is the right one.
        probability: (n,) of the class.
    """
    thresholds = np.linspace(0.0, 1.0, THRESHOLDS)
    ranked = {right: np.sort(probability[is_class == right]) for right in (True, False)}
    true, false = (len(each) - np.searchsorted(each, thresholds) for each in (ranked[True], ranked[False]))
    precision = true / np.maximum(true + false, 1)
    recall = true / max(len(ranked[True]), 1)
    # The order is the plugin's: tensorboard/plugins/pr_curve/summary.py.
    rows = np.stack([true, false, len(ranked[False]) - false, len(ranked[True]) - true, precision, recall])
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=side) for side in rows.shape])
    content = TensorProto(dtype="DT_FLOAT", float_val=rows.ravel(), tensor_shape=shape)
    return tensor(tag, "pr_curves", content, PrCurvePluginData(num_thresholds=THRESHOLDS).SerializeToString())
