"""libmolrt: where it is found, and its structs and functions as include/molrt.h declares them."""

import ctypes
import os
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_size_t
from ctypes import c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any, Dict, List, Sequence, Type

_PACKAGE = Path(__file__).resolve().parent
_VERSION = (0, 1)  # of the header; SONAME 0.MINOR: another minor version is another ABI

LOG_CALLBACK = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_char_p)


class _Struct(ctypes.Structure):
    """Begins with struct_size; the library's molrt_<name>_init fills in the defaults."""

    _name_ = ""


def _struct(name: str, /, **fields: Any) -> Type[_Struct]:
    layout = [("struct_size", c_uint32)] + list(fields.items())
    return type(name, (_Struct,), {"_name_": name, "_fields_": layout})


ContextOptions = _struct("context_options", threads=c_int32, log=LOG_CALLBACK, log_user=c_void_p)
ConformerCacheInfo = _struct("conformer_cache_info", state=c_int32, found=c_uint64, built=c_uint64)
OpenOptions = _struct("open_options", hydrogens=c_int32, layout=c_int32, max_atoms=c_int32,
                      dictionary_path=c_char_p, fold=c_int32)
Architecture = _struct("architecture", kernel=c_int32, layers=c_int32, width=c_int32, ffn=c_int32,
                       heads=c_int32, hydrogens=c_int32, layout=c_int32, seed=c_uint64)
ModelInfo = _struct("model_info", kernel=c_int32, layers=c_int32, width=c_int32, ffn=c_int32,
                    heads=c_int32, vocabulary=c_int32, hydrogens=c_int32, layout=c_int32,
                    max_atoms=c_int32, head=c_int32, outputs=c_int32, folds=c_int32,
                    parameters=c_int64, bytes_read=c_int64, task=c_int32, encoders=c_int32,
                    mode=c_int32, calibration=c_int32, mc_samples=c_int32, inputs=c_int32)
SaveOptions = _struct("save_options", dtype=c_int32)
ConformerOptions = _struct("conformer_options", ladder=c_int32, seed=c_int32, max_atoms=c_int32,
                           time_limit=c_double, count=c_int32, flat=c_int32, canonical=c_int32)
Row = _struct("row", status=c_int32, source=c_int32, flags=c_uint32, conformer_atoms=c_int32,
              model_atoms=c_int32, conformers=c_int32)
Progress = _struct("progress", stage=c_int32, done=c_uint64, total=c_uint64, fold=c_int32,
                   folds=c_int32, epoch=c_int32, epochs=c_int32, train_loss=c_double,
                   valid_loss=c_double, step=c_uint64, steps=c_uint64, valid_metric=c_double,
                   metric_name=c_char_p, learning_rate=c_double, train_rows=c_uint64,
                   held_out_rows=c_uint64, part=c_double, mc_pass=c_int32, mc_passes=c_int32)
PROGRESS_CALLBACK = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(Progress))
RunOptions = _struct("run_options", max_atoms=c_int32, crop=c_int32, batch_size=c_int32,
                     progress=PROGRESS_CALLBACK, progress_user=c_void_p, precision=c_int32)
SettingInfo = _struct("setting_info", type=c_int32, name=c_char_p, unit=c_char_p,
                      default_text=c_char_p, recommended_text=c_char_p, choices=c_char_p,
                      since=c_char_p, help=c_char_p, minimum=c_double, maximum=c_double)
UncertainOptions = _struct("uncertain_options", mode=c_int32, samples=c_int32, level=c_double)
UncertainResult = _struct("uncertain_result", mode=c_int32, value=c_void_p, std=c_void_p,
                          error=c_void_p, low=c_void_p, high=c_void_p, spread=c_void_p, gap=c_void_p,
                          deterministic=c_void_p, entropy=c_void_p, mutual_information=c_void_p)
Added = _struct("added", reserved=c_int32, used=c_uint64, excluded=c_uint64, unusable=c_uint64)
ProbeOptions = _struct("probe_options", attributions=c_uint32, layers=c_void_p, layer_count=c_size_t,
                       rates=c_void_p, rate_count=c_size_t, seed=c_uint64, title=c_char_p)
STRUCTS = (ContextOptions, ConformerCacheInfo, OpenOptions, Architecture, ModelInfo, SaveOptions,
           ConformerOptions, Row, Progress, RunOptions, SettingInfo, UncertainOptions, UncertainResult, ProbeOptions,
           Added)

# Handles, arrays and structs travel as addresses.
_P, _TEXT, _SIZE = c_void_p, c_char_p, c_size_t
_TEXT_OUT = [_P, _SIZE, POINTER(c_size_t)]  # buffer, capacity, needed

_STATUS_FUNCTIONS: Dict[str, List[Any]] = {
    "context_create": [_P, _P],
    "context_set_conformer_cache": [_P, _TEXT, c_uint64],
    "context_get_conformer_cache": [_P, _P],
    "conformer_cache_describe": [_TEXT] + _TEXT_OUT,
    "conformer_cache_clear": [_TEXT],
    "model_open": [_P, _TEXT, _P, _P],
    "model_open_memory": [_P, _P, _SIZE, _P, _P],
    "model_create_untrained": [_P, _P, _P],
    "model_save": [_P, _P, _TEXT, _P],
    "model_get_info": [_P, _P],
    "model_get_threshold": [_P, c_int32, POINTER(c_double)],
    "model_describe": [_P] + _TEXT_OUT,
    "model_supports_element": [_P, _TEXT, POINTER(c_int32)],
    "official_weights_describe": _TEXT_OUT,
    "official_weights_verify": [_TEXT] + _TEXT_OUT,
    "batch_create": [_P, _P, _P],
    "batch_add_smiles": [_P, _TEXT],
    "batch_add_mol_block": [_P, _TEXT],
    "batch_add_atoms": [_P, POINTER(c_char_p), _P, _SIZE],
    "batch_set_columns": [_P, POINTER(c_char_p), _P, _SIZE, _SIZE],
    "batch_get_row": [_P, _SIZE, _P],
    "batch_get_conformer": [_P, _SIZE, _SIZE, _P, _P, _P, _SIZE],
    "batch_get_sdf": [_P, _SIZE, _SIZE, _TEXT] + _TEXT_OUT,
    "batch_get_smiles": [_P, _SIZE] + _TEXT_OUT,
    "batch_compute_conformers": [_P, _P, _P],
    "batch_prepare": [_P, _P, _P, _P],
    "predict": [_P, _P, _P, _P, _P, _P, _SIZE],
    "predict_uncertain": [_P, _P, _P, _P, _P, _P, _SIZE],
    "embed": [_P, _P, _P, _P, _P, _SIZE, _P, _SIZE],
    "batch_get_model_atoms": [_P, _SIZE, _P, _SIZE],
    "settings_describe": [_SIZE, _P],
    "settings_create": [_P],
    "settings_set_f64": [_P, _TEXT, c_double],
    "settings_set_i64": [_P, _TEXT, c_int64],
    "settings_set_text": [_P, _TEXT, _TEXT],
    "job_create": [_P, _P, _P, _P, _SIZE, POINTER(c_char_p), _P, _P],
    "job_set_checkpoint": [_P, _TEXT, c_int32],
    "job_set_unlabelled": [_P, _P],
    "job_remove_checkpoint": [_P],
    "job_set_weights": [_P, _P, _SIZE],
    "job_set_groups": [_P, POINTER(c_char_p), _SIZE],
    "job_set_parts": [_P, _P, _SIZE],
    "part_of_word": [_TEXT, POINTER(c_int32)],
    "job_set_unit": [_P, c_int32, _TEXT],
    "job_run": [_P, _P],
    "job_get_model": [_P, _P],
    "job_get_report": [_P] + _TEXT_OUT,
    "job_get_html": [_P] + _TEXT_OUT,
    "job_set_title": [_P, _TEXT],
    "job_get_settings": [_P] + _TEXT_OUT,
    "job_get_counted": [_P] + _TEXT_OUT,
    "job_get_held_out": [_P, _P, _SIZE],
    "job_get_parts": [_P, _P, _SIZE],
    "job_get_held_out_errors": [_P, _P, _P, _P, _SIZE],
    "job_get_row": [_P, _SIZE, _P],
    "pretraining_settings_describe": [_SIZE, _P],
    "pretraining_settings_create": [_P],
    "pretraining_create": [_P, _P, _P, POINTER(c_char_p), _SIZE, _P],
    "pretraining_exclude": [_P, _TEXT],
    "pretraining_add_archive": [_P, _TEXT, _P, _P],
    "pretraining_add_batch": [_P, _P, _P, _SIZE, _P],
    "pretraining_set_checkpoint": [_P, _TEXT, c_int32],
    "pretraining_remove_checkpoint": [_P],
    "pretraining_run": [_P, _P],
    "pretraining_get_model": [_P, _P],
    "pretraining_get_report": [_P] + _TEXT_OUT,
    "pretraining_get_html": [_P] + _TEXT_OUT,
    "probe_get_passes": [_P, _P, POINTER(c_double)],
    "probe_run": [_P, _P, _P, _P, _SIZE, _P, _P, _P],
    "probe_get_report": [_P] + _TEXT_OUT,
    "probe_get_html": [_P] + _TEXT_OUT,
    **{s._name_ + "_init": [_P, _SIZE] for s in STRUCTS if s is not Progress},
}
_OTHER_FUNCTIONS = {
    "version": (c_uint32, []),
    "version_text": (_TEXT, []),
    "build_info": (_TEXT, []),
    "last_error": (_TEXT, []),
    "status_name": (_TEXT, [c_int32]),
    "row_status_name": (_TEXT, [c_int32]),
    "source_name": (_TEXT, [c_int32]),
    "flag_name": (_TEXT, [c_uint32]),
    "model_target_name": (_TEXT, [_P, c_int32]),
    "model_column_name": (_TEXT, [_P, c_int32]),
    "model_target_unit": (_TEXT, [_P, c_int32]),
    "batch_size": (_SIZE, [_P]),
    "batch_row_message": (_TEXT, [_P, _SIZE]),
    "job_row_message": (_TEXT, [_P, _SIZE]),
    "settings_count": (_SIZE, []),
    "pretraining_settings_count": (_SIZE, []),
    **{handle + "_free": (None, [_P]) for handle in ("context", "model", "batch", "settings", "job",
                                                     "pretraining", "probe")},
}


def _places() -> Sequence[str]:
    """Where to look, in order; MOLRT_LIBRARY alone if it is set."""
    if os.environ.get("MOLRT_LIBRARY"):
        return [os.environ["MOLRT_LIBRARY"]]
    soname = "libmolrt.so.%d.%d" % _VERSION
    bundled = _PACKAGE / "_bundle" / soname  # by a wheel
    if bundled.exists():
        return [str(bundled)]
    checkout = _PACKAGE.parents[2] / "build" / "lib" / "libmolrt.so"
    return [str(checkout), soname]


def _open() -> ctypes.CDLL:
    tried = []
    for place in _places():
        try:
            return ctypes.CDLL(place)
        except OSError as error:
            tried.append(f"  {place}: {error}")
    raise ImportError("libmolrt was not found; run ./dev build in the checkout, or set MOLRT_LIBRARY "
                      "to the library's path. Tried:\n" + "\n".join(tried))


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    library.molrt_version.restype = c_uint32
    version = library.molrt_version()
    if (version // 1000000, version // 1000 % 1000) != _VERSION:
        raise ImportError(f"{library._name} is version {version // 1000000}.{version // 1000 % 1000}, "
                          "expected %d.%d" % _VERSION)
    functions = {name: (c_int32, arguments) for name, arguments in _STATUS_FUNCTIONS.items()}
    for name, (result, arguments) in {**functions, **_OTHER_FUNCTIONS}.items():
        function = getattr(library, "molrt_" + name)
        function.restype, function.argtypes = result, arguments
    return library


lib = _declare(_open())


def text(value: Any) -> str:
    """The library's UTF-8 text."""
    return value.decode("utf-8", "replace") if value else ""
