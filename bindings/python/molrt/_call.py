"""Calling the library: handles, options, texts, and the callbacks that run during a call.

The callbacks are module-level functions, so that no handle can outlive them. What they need of the
call in progress is thread-local: the library runs callbacks on the thread that called it. A progress
callback is always installed, because only there Python's signal handlers (Ctrl-C) can run.
"""

import atexit
import contextlib
import ctypes
import logging
import operator
import os
import threading
import time
import weakref
from ctypes import byref, c_double, c_int32, c_size_t, c_uint64, c_void_p
from typing import Any, Callable, Mapping, Optional, Set, Tuple, Type, TypeVar, Union

from ._errors import check
from ._library import LOG_CALLBACK, PROGRESS_CALLBACK, ContextOptions, RunOptions, lib, text
from ._progress import TerminalLine
from ._signals import HeldSignals

#: Called as progress(stage, done, total, **details); True: a line on the terminal's stderr.
ProgressArgument = Union[None, bool, Callable[..., Any]]

#: Of a file that keeps conformers: its path, or path and limit in bytes; None: none.
CacheArgument = Union[None, str, "os.PathLike[str]", Tuple[Union[str, "os.PathLike[str]"], int]]

_STAGES = {1: "conformers", 2: "network", 3: "training", 4: "probe", 5: "pretraining", 6: "reading",
           7: "descriptors"}
_DETAILS = ("fold", "folds", "epoch", "epochs", "train_loss", "valid_loss", "step", "steps",
            "valid_metric", "metric_name", "learning_rate", "train_rows", "held_out_rows", "part",
            "mc_pass", "mc_passes")
_PRETRAINING_DETAILS = ("train_loss", "valid_loss", "step", "steps", "learning_rate", "train_rows",
                        "held_out_rows", "part")
_DETAILS_OF = {"training": _DETAILS, "pretraining": _PRETRAINING_DETAILS}
_LOG_LEVELS = {0: logging.INFO, 1: logging.WARNING, 2: logging.WARNING}  # notices are to be seen
_EXIT_SECONDS = 10.0  # for calls of daemon threads to stop
_logger = logging.getLogger("molrt")
_thread = threading.local()
_in_progress: "Set[_Call]" = set()  # of all threads
_exiting = threading.Event()


class _Call:
    """The call in progress on a thread."""

    def __init__(self, progress: Optional[Callable[..., Any]]):
        self.progress = progress
        self.signals = HeldSignals()
        self.raised: Optional[BaseException] = None


def _detail(progress: Any, name: str) -> Any:
    value = getattr(progress, name)
    return text(value) if name == "metric_name" else value


def _on_log(_user: Any, level: int, message: bytes) -> None:
    try:
        _logger.log(_LOG_LEVELS.get(level, logging.WARNING), "%s", message.decode("utf-8", "replace"))
    except BaseException as error:  # KeyboardInterrupt too; re-raised by run_long()
        _thread.call.raised = error


def _on_progress(_user: Any, progress: Any) -> int:
    call = _thread.call
    try:
        call.signals.deliver()
        if _exiting.is_set():
            raise SystemExit  # ends a thread without a word
        if call.progress and not call.raised:
            p = progress.contents
            stage = _STAGES.get(p.stage, str(p.stage))
            details = {name: _detail(p, name) for name in _DETAILS_OF.get(stage, ())}
            call.progress(stage, p.done, p.total, **details)
    except BaseException as error:  # KeyboardInterrupt too; re-raised by run_long()
        call.raised = error
    return 1 if call.raised else 0


_LOG = LOG_CALLBACK(_on_log)
_PROGRESS = PROGRESS_CALLBACK(_on_progress)


def check_progress(progress: ProgressArgument) -> None:
    if not (progress is None or isinstance(progress, bool) or callable(progress)):
        raise TypeError(f"progress={progress!r}: expected True, False, None or a function")


def run(function: Any, *arguments: Any) -> None:
    """Calls a quick function that returns a status; raises what failed."""
    check(function(*arguments))


def run_long(function: Any, *arguments: Any, progress: ProgressArgument = None) -> None:
    """Calls a function that may call back; raises what a callback or signal raised, else a failure."""
    line = TerminalLine() if progress is True else None
    outer = getattr(_thread, "call", None)
    call = _thread.call = _Call(line or (progress if callable(progress) else None))
    _in_progress.add(call)
    try:
        with call.signals:
            status = function(*arguments)
    finally:
        _thread.call = outer
        _in_progress.discard(call)
        if line:
            line.close()
    if call.raised is not None:
        raise call.raised
    check(status)


@atexit.register
def _stop_calls() -> None:
    """Stops calls of daemon threads before the interpreter goes.

    Later it would end such a thread in its next callback by unwinding its stack, through C++ code,
    which aborts the process.
    """
    _exiting.set()
    deadline = time.monotonic() + _EXIT_SECONDS
    while _in_progress and time.monotonic() < deadline:
        time.sleep(0.01)


os.register_at_fork(after_in_child=_in_progress.clear)  # the other threads are not there


class Handle:
    """Owns an object of the library: made by `function(*arguments, &pointer)`, freed with this."""

    def __init__(self, free: Any, function: Any, *arguments: Any, progress: ProgressArgument = None):
        self._as_parameter_ = c_void_p()
        # The finalizer reads the pointer when it runs: it is NULL until the call below succeeds. Not
        # at exit: a daemon thread may still be inside a call.
        weakref.finalize(self, free, self._as_parameter_).atexit = False
        run_long(function, *arguments, byref(self._as_parameter_), progress=progress)

    def __reduce__(self) -> Any:
        raise TypeError("an object of libmolrt cannot be pickled or copied (a molrt.Model can; of "
                        "molrt.Conformers take the arrays)")


def new_context(threads: Optional[int]) -> Handle:
    """A context for one call, so that any Python threads may call at the same time."""
    options = new_struct(ContextOptions, threads=threads)
    options.log = _LOG
    return Handle(lib.molrt_context_free, lib.molrt_context_create, byref(options))


def use_conformer_cache(context: Handle, cache: CacheArgument) -> None:
    if cache is None:
        return
    path, limit = cache if isinstance(cache, tuple) else (cache, 0)
    if not 0 <= operator.index(limit) < 2**64:
        raise ValueError(f"conformer_cache: a limit of {limit} bytes")
    run(lib.molrt_context_set_conformer_cache, context, path_text(path), limit)


def new_run_options(**fields: Any) -> Any:
    options = new_struct(RunOptions, **fields)
    options.progress = _PROGRESS
    return options


# No integer option is negative; the library refuses what fits but is out of the option's own range.
_LARGEST = {c_int32: 2**31 - 1, c_uint64: 2**64 - 1}
_StructT = TypeVar("_StructT", bound=ctypes.Structure)


def new_struct(struct: Type[_StructT], **fields: Any) -> _StructT:
    """A struct with the library's defaults, but for the fields that are not None."""
    value = struct()
    initialise = getattr(lib, f"molrt_{struct._name_}_init")  # type: ignore[attr-defined]
    check(initialise(byref(value), ctypes.sizeof(value)))
    types = dict(struct._fields_)  # type: ignore[arg-type,misc]
    for name, field in fields.items():
        if field is None:
            continue
        if types[name] in (c_int32, c_uint64):
            field = operator.index(field)  # numpy's integers too; a float is a TypeError
        elif types[name] is c_double:
            field = float(field)
        setattr(value, name, field)
        if isinstance(field, int) and getattr(value, name) != field:  # ctypes wraps silently
            raise ValueError(f"{name}={field}: expected 0 to {_LARGEST[types[name]]}")
    return value


def choice(argument: str, value: Optional[str], choices: Mapping[str, int]) -> Optional[int]:
    """The library's number for one of the named choices; None stays the default."""
    if value is None:
        return None
    if value not in choices:
        raise ValueError(f"{argument}={value!r}: expected one of {', '.join(map(repr, choices))}")
    return choices[value]


def read_text(function: Any, *arguments: Any) -> str:
    """The text of a (buffer, capacity, needed) function."""
    needed = c_size_t()
    run(function, *arguments, None, 0, byref(needed))
    buffer = ctypes.create_string_buffer(needed.value)
    run(function, *arguments, buffer, needed.value, byref(needed))
    return buffer.value.decode("utf-8", "replace")


def write_whole(path: Union[str, "os.PathLike[str]"], contents: str) -> None:
    """Writes a file: whole or not at all."""
    final = os.path.realpath(path)
    temporary = f"{final}.{os.getpid()}.part"
    try:
        with open(temporary, "x", encoding="utf-8") as file:
            file.write(contents)
        os.replace(temporary, final)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def path_text(path: Union[str, "os.PathLike[str]"]) -> bytes:
    """The file system's bytes; a NUL would end the name early."""
    name = os.fsencode(path)
    if b"\0" in name:
        raise ValueError(f"path {path!r} contains a NUL")
    return name


def c_text(value: str) -> bytes:
    """UTF-8 for the library; a NUL, which would end the text early, as U+FFFD."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace")
