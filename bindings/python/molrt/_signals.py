"""Python's signal handlers (Ctrl-C) during a call of the library."""

import signal
import threading
from typing import Any, Callable, Dict, List, Tuple


class HeldSignals:
    """Holds Python's signal handlers back while the main thread is inside the library.

    Python runs handlers on entry to the next callback, before its first line, where ctypes would
    swallow what they raise. So they only take note there, and deliver() runs them where an exception
    can be kept. Whatever is left runs at the end of the `with`. Nothing to do on other threads.
    """

    def __init__(self) -> None:
        self._handlers: Dict[int, Callable[[int, Any], Any]] = {}
        self._arrived: List[Tuple[int, Any]] = []

    def __enter__(self) -> "HeldSignals":
        if threading.current_thread() is threading.main_thread():
            try:
                self._replace()
            except BaseException:  # a handler that ran before it was replaced
                self._restore()
                raise
        return self

    def __exit__(self, *_: Any) -> None:
        self._restore()
        self.deliver()

    def deliver(self) -> None:
        """Runs the handlers of the signals that arrived; they may raise."""
        while self._arrived:
            number, frame = self._arrived.pop(0)
            self._handlers[number](number, frame)

    def _replace(self) -> None:
        for number in signal.valid_signals():
            handler = signal.getsignal(number)
            if callable(handler):  # not SIG_DFL, SIG_IGN or a handler that is not Python's
                self._handlers[number] = handler
                signal.signal(number, self._note)

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: Any) -> None:
        self._arrived.append((number, frame))
