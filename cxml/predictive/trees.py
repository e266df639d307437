"""LightGBM trees through LightGBM's own C library: no import of pandas, scikit-learn or the lightgbm package."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import threading
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxml.errors import BundleError, CxmlError
from cxml.predictive.contributions import Contributions
from cxml.predictive.forest import UnreadForestError

# LightGBM c_api.h: C_API_DTYPE_FLOAT64, C_API_PREDICT_RAW_SCORE, C_API_PREDICT_CONTRIB.
_FLOAT64: Final = 1
_RAW_SCORE: Final = 1
_CONTRIBUTIONS: Final = 3
# Where the wheels put the library: Linux, macOS, Windows (the two folders of the 4.x wheels).
_LIBRARIES: Final = ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll")
_FOLDERS: Final = ("lib", "bin", "")


class Trees:
    """The trees of one model, read from LightGBM's text; safe to use from several threads.

    Parameters
    ----------
    text : bytes
        The model as ``Booster.model_to_string`` writes it. LightGBM kills the process on a corrupt one, so the caller
        has checked its hash.
    """

    def __init__(self, text: bytes) -> None:
        self._lib = _library()
        self._handle = ctypes.c_void_p()
        self._text = text
        self._lock = threading.Lock()
        self._explainer: Contributions | Literal["LightGBM"] | None = None
        if self._lib is None:
            self._booster = _booster(text)
            self.n_classes, self.n_features = self._booster.num_model_per_iteration(), self._booster.num_feature()
            return
        found = ctypes.c_int()
        self._call("LGBM_BoosterLoadModelFromString", text, ctypes.byref(found), ctypes.byref(self._handle))
        self._call("LGBM_BoosterGetNumClasses", self._handle, ctypes.byref(found))
        self.n_classes = found.value
        self._call("LGBM_BoosterGetNumFeature", self._handle, ctypes.byref(found))
        self.n_features = found.value

    def __del__(self) -> None:
        if getattr(self, "_handle", None) and self._lib is not None:
            self._lib.LGBM_BoosterFree(self._handle)

    def raw_scores(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the raw scores (log-odds) of shape (n_rows, n_classes); one column for a binary model."""
        return self._predicted(matrix, _RAW_SCORE, self.n_classes)

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return exact SHAP values of the raw scores, of shape (n_rows, n_classes, n_features + 1).

        The last is the base; the values of a row and class add up to its raw score (Lundberg et al., "From local
        explanations to global understanding with explainable AI for trees", 2020). They come from tables that are made
        at the first call (`cxml.predictive.contributions`); from LightGBM itself where these would be too large, or
        the trees are of a kind that they do not know.
        """
        explainer = self._explained()
        if isinstance(explainer, Contributions):
            return explainer.values(matrix)
        width = self.n_features + 1
        return self._predicted(matrix, _CONTRIBUTIONS, self.n_classes * width).reshape(-1, self.n_classes, width)

    def _explained(self) -> Contributions | Literal["LightGBM"]:
        with self._lock:
            if self._explainer is None:
                try:
                    self._explainer = Contributions(self._text)
                except UnreadForestError:
                    self._explainer = "LightGBM"
                self._text = b""
            return self._explainer

    def _predicted(self, matrix: NDArray[np.float64], kind: int, width: int) -> NDArray[np.float64]:
        matrix = np.ascontiguousarray(matrix, dtype=np.float64)
        n_rows, n_features = matrix.shape
        if n_features != self.n_features:
            raise ValueError(f"the model has {self.n_features} features, the matrix {n_features}")
        out = np.empty((n_rows, width), dtype=np.float64)
        if n_rows == 0:
            return out
        if self._lib is None:
            options = {"raw_score": True} if kind == _RAW_SCORE else {"pred_contrib": True}
            return np.asarray(self._booster.predict(matrix, **options), dtype=np.float64).reshape(n_rows, width)
        written = ctypes.c_int64()
        self._call(
            "LGBM_BoosterPredictForMat",
            self._handle,
            matrix.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int(_FLOAT64),
            ctypes.c_int32(n_rows),
            ctypes.c_int32(n_features),
            ctypes.c_int(1),
            ctypes.c_int(kind),
            ctypes.c_int(0),
            ctypes.c_int(-1),
            b"num_threads=1" if n_rows == 1 else b"",
            ctypes.byref(written),
            out.ctypes.data_as(ctypes.c_void_p),
        )
        if written.value != out.size:
            raise BundleError(f"the trees gave {written.value} values where {out.size} were expected.")
        return out

    def _call(self, function: str, *arguments: Any) -> None:
        if getattr(self._lib, function)(*arguments) != 0:
            raise BundleError(f"LightGBM refused: {self._lib.LGBM_GetLastError().decode(errors='replace')}")


@functools.cache
def _library() -> Any:
    """Return LightGBM's C library, found without importing its package; None where it is not where wheels put it."""
    spec = importlib.util.find_spec("lightgbm")
    for root in (spec.submodule_search_locations or []) if spec else []:
        for candidate in (Path(root) / folder / name for folder in _FOLDERS for name in _LIBRARIES):
            if candidate.is_file():
                try:
                    library = ctypes.CDLL(str(candidate))
                except OSError:  # the package knows more ways to load it, and says what the system lacks
                    return None
                library.LGBM_GetLastError.restype = ctypes.c_char_p
                return library
    return None


def lightgbm_package() -> Any:
    """Return the lightgbm package, or raise `CxmlError` with what the system lacks."""
    try:
        import lightgbm
    except OSError as error:
        raise CxmlError(
            f"LightGBM cannot be loaded: {error}. It needs the OpenMP runtime: "
            f"install libgomp1 (Debian, Ubuntu), libgomp (Fedora) or libomp (macOS)."
        ) from None
    return lightgbm


def _booster(text: bytes) -> Any:
    return lightgbm_package().Booster(model_str=text.decode())
