"""Failed calls as exceptions. A molecule that fails is its row's status, never an exception."""

from typing import Dict, Type

from ._library import lib, text


class Error(Exception):
    """A call failed. `status` is the C library's name for the reason, such as "format"."""

    status = "internal"


class InvalidArgumentError(Error, ValueError):
    """A wrong size, an unknown name, a value out of range."""

    status = "invalid_argument"


class OutOfMemoryError(Error, MemoryError):
    """Not enough memory."""

    status = "out_of_memory"


class FileError(Error, OSError):
    """A file could not be opened, read, written or renamed."""

    status = "io"


class FormatError(Error, ValueError):
    """A file was read, but its contents are broken."""

    status = "format"


class DataError(Error, ValueError):
    """Labels or molecules from which nothing can be learnt."""

    status = "data"


_CLASSES: Dict[str, Type[Error]] = {c.status: c for c in (
    InvalidArgumentError, OutOfMemoryError, FileError, FormatError, DataError)}


def check(status: int) -> None:
    """Raises what a call's status says, with the library's text of this thread's last failure."""
    if status == 0:
        return
    name = text(lib.molrt_status_name(status))
    error = _CLASSES.get(name, Error)(text(lib.molrt_last_error()))
    error.status = name
    raise error
