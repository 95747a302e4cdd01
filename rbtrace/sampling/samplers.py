"""Samplers: what calls `Samples.take` with the stack of the thread it was started in."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, Final, Protocol

from rbtrace.errors import warn_once
from rbtrace.sampling.samples import Samples
from rbtrace.sampling.stacks import FrameName
from rbtrace.sampling.timers import Timer, free_timer

_THREAD: Final = "\0<thread>\0"
"""In what pyinstrument puts beneath a stack: the name of the thread."""


class Sampler(Protocol):
    """Samples one thread from `start` to `stop`.

    `signal_number` is the signal it uses, None if it uses none. In a forked child it does not run.
    """

    signal_number: int | None

    def start(self, samples: Samples, interval_ns: int) -> bool:
        """Sample the calling thread, if that is possible; say whether."""
        ...

    def stop(self) -> None:
        """Sample no more, and leave handlers and timers as they were found."""
        ...

    def forget(self) -> None:
        """In a forked child: what the parent started is not there."""
        ...


class SignalSampler:
    """A timer signals the main thread, whose handler looks at the stack it interrupts.

    Python runs handlers between two bytecodes, so the stack is what the thread really does; only
    while an extension holds the interpreter the sample waits, and then weighs more.
    """

    signal_number: int | None = None

    def __init__(self) -> None:
        self._samples: Samples | None = None
        self._timer: Timer | None = None
        self._previous: Any = None
        self._is_sampling = False

    def start(self, samples: Samples, interval_ns: int) -> bool:
        """Sample the main thread; False in another one, and where the signal is in use."""
        if threading.current_thread() is not threading.main_thread():
            return False
        timer = self._timer or free_timer()
        if timer is None:
            warn_once("sampler", "no stacks are sampled: the program uses SIGALRM itself")
            return False
        self._samples, self._timer = samples, timer
        if signal.getsignal(timer.number) != self._sample:
            self._previous = signal.signal(timer.number, self._sample)
        # System calls of extensions go on instead of failing.
        signal.siginterrupt(timer.number, False)  # noqa: FBT003 - positional only
        self.signal_number = timer.number
        try:
            timer.arm(interval_ns)
        except OSError as problem:
            self.stop()
            warn_once("sampler", f"no stacks are sampled: {problem.strerror}")
            return False
        return True

    def stop(self) -> None:
        """Disarm the timer, and put the previous handler back.

        Only the main thread can do the latter; stopped in another one, the handler stays and does
        nothing.
        """
        timer, self._samples = self._timer, None
        if timer is None:
            return
        timer.disarm()
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(timer.number) == self._sample:
            signal.signal(timer.number, self._previous)
        self._timer = None

    def forget(self) -> None:
        """The handler was inherited and is used again; the timer was not."""
        self._samples = None
        if self._timer is not None:
            self._timer.forget()

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        samples = self._samples
        if samples is None or self._is_sampling:
            return
        self._is_sampling = True
        try:
            samples.take(samples.stacks.of_frame(frame))
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once("sample", f"a stack was not sampled: {problem!r}")
        finally:
            self._is_sampling = False


class PyinstrumentSampler:
    """pyinstrument's own sampler: a profile hook on every call, which costs much more."""

    signal_number: int | None = None

    def __init__(self) -> None:
        # Not in `start`: what importing takes is no time of the function that is sampled first.
        from pyinstrument import stack_sampler  # noqa: PLC0415 - not if off

        self._pyinstrument = stack_sampler
        self._samples: Samples | None = None

    def start(self, samples: Samples, interval_ns: int) -> bool:
        """Sample the calling thread, unless something profiles it already."""
        self._samples = samples
        try:
            self._pyinstrument.get_stack_sampler().subscribe(
                self._sampled, desired_interval=interval_ns / 1e9, use_async_context=False
            )
        except (ValueError, RuntimeError) as problem:
            warn_once("sampler", f"no stacks are sampled: {problem}")
            return False
        return True

    def stop(self) -> None:
        """Unhook it. In another thread than the sampled one, the hook stays and does nothing."""
        self._samples = None
        with suppress(self._pyinstrument.StackSampler.SubscriberNotFound):
            self._pyinstrument.get_stack_sampler().unsubscribe(self._sampled)

    def forget(self) -> None:
        """The thread that forked is the sampled one, or the hook is not here."""
        self.stop()

    def _sampled(self, stack: Sequence[str], _weight_s: float, _async_state: object) -> None:
        samples = self._samples
        if samples is None:
            return
        try:
            identities = [_without_line(text) for text in stack if _THREAD not in text]
            samples.take(samples.stacks.of_texts(identities, _frame_name))
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once("sample", f"a stack was not sampled: {problem!r}")


def _without_line(text: str) -> str:
    """Function, file, first line and class; not at which line it is now."""
    return text.partition("\1l")[0]


def _frame_name(identity: str) -> FrameName:
    function, *marks = identity.split("\1")
    name, _, place = function.partition("\0")
    file, _, line = place.rpartition("\0")
    owner = next((mark[1:] + "." for mark in marks if mark.startswith("c")), "")
    return FrameName(owner + name, file, int(line) if line.isdigit() else 0)


SAMPLERS: Final[dict[str, Callable[[], Sampler]]] = {
    "signal": SignalSampler,
    "pyinstrument": PyinstrumentSampler,
}
"""Setting → sampler; `off` is none."""
