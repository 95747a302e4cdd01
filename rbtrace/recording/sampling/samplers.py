"""Samplers: what calls `Samples.take` with the stack of the thread it was started in."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import thread_time_ns
from timeit import default_timer
from types import FrameType
from typing import Any, Final, Protocol

from rbtrace.errors import warn_once
from rbtrace.files.profiles import Frame
from rbtrace.recording.export.threads import original
from rbtrace.recording.sampling.samples import Samples
from rbtrace.recording.sampling.timers import Timer, action, free_timer

_THREAD: Final = "\0<thread>\0"
"""In what pyinstrument puts beneath a stack: the name of the thread."""


class Sampler(Protocol):
    """Samples one thread from `start` to `stop`.

    `signal_number` is the signal it uses, None if it uses none. In a forked child it does not run.
    """

    signal_number: int | None

    def start(self, samples: Samples) -> bool:
        """Sample the calling thread, if that is possible; say whether."""
        ...

    def stop(self) -> None:
        """Sample no more, and leave handlers and timers as they were."""
        ...

    def forget(self) -> None:
        """In a forked child: what the parent started is not there."""
        ...

    def is_taken_over(self) -> bool:
        """Whether the program handles the signal itself by now. For any thread."""
        ...


class SignalSampler:
    """A timer signals the main thread, whose handler looks at the stack it interrupts.

    Python runs handlers between two bytecodes, so the stack is what the thread really does; only
    while an extension holds the interpreter the sample waits, and then weighs more. If samples cost
    too much, the timer slows down.
    """

    signal_number: int | None = None

    def __init__(self) -> None:
        self._samples: Samples | None = None
        self._timer: Timer | None = None
        self._previous: Any = None
        self._action = 0
        self._is_sampling = False

    def start(self, samples: Samples) -> bool:
        """Sample the main thread; False in another one, and where the signal is in use."""
        if threading.current_thread() is not threading.main_thread():
            return False
        if _is_listened_to():
            say_listened()
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
        self._action = action(timer.number)
        self.signal_number = timer.number
        try:
            timer.arm(samples.pace.interval_ns)
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

    def is_taken_over(self) -> bool:
        """Whether the program has set a handler since, in Python or beneath it."""
        timer = self._timer
        if timer is None:
            return False
        ours = signal.getsignal(timer.number) == self._sample
        return not ours or action(timer.number) != self._action

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        samples, timer = self._samples, self._timer
        if samples is None or timer is None or self._is_sampling:
            return
        self._is_sampling = True
        began = thread_time_ns()
        try:
            samples.take(samples.stacks.of_frame(frame))
            if samples.cost(thread_time_ns() - began):
                timer.slow_down(samples.pace.interval_ns)
        except RecursionError:
            return  # the program is at its limit, and the next sample weighs as much more
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once("sample", f"a stack was not sampled: {problem!r}")
        finally:
            self._is_sampling = False


def _is_listened_to() -> bool:
    """Whether the program hears of all signals by a descriptor. Call it in the main thread."""
    set_wakeup_fd = original("signal", "set_wakeup_fd")
    descriptor = set_wakeup_fd(-1)
    if descriptor != -1:
        set_wakeup_fd(descriptor, warn_on_full_buffer=False)
    return bool(descriptor != -1)


def say_listened() -> None:
    """Say once that nothing is sampled where each sample would be a signal to the program."""
    warn_once(
        "sampler",
        "no stacks are sampled: the program hears of all signals (signal.set_wakeup_fd); "
        "RBTRACE_SAMPLER=pyinstrument uses none",
    )


class PyinstrumentSampler:
    """pyinstrument's own sampler: a profile hook on every call, which costs much more."""

    signal_number: int | None = None

    def __init__(self) -> None:
        # Not in `start`: what importing takes is no time of the function that is sampled first.
        from pyinstrument import stack_sampler  # noqa: PLC0415 - not if off

        self._pyinstrument = stack_sampler
        self._samples: Samples | None = None
        self._used_ns = 0

    def start(self, samples: Samples) -> bool:
        """Sample the calling thread, unless something profiles it already."""
        self._samples = samples
        self._used_ns = thread_time_ns()
        try:
            self._subscribe(samples.pace.interval_ns)
        except (ValueError, RuntimeError) as problem:
            warn_once("sampler", f"no stacks are sampled: {problem}")
            return False
        return True

    def _subscribe(self, interval_ns: int) -> None:
        sampler = self._pyinstrument.get_stack_sampler()
        sampler.has_warned_about_timing_overhead = True  # nothing a user of rbtrace could change
        sampler.subscribe(
            self._sampled, desired_interval=interval_ns / 1e9, use_async_context=False
        )

    def stop(self) -> None:
        """Unhook it. In another thread than the sampled one, the hook stays and does nothing."""
        self._samples = None
        self._unsubscribe()

    def _unsubscribe(self) -> None:
        with suppress(self._pyinstrument.StackSampler.SubscriberNotFound):
            self._pyinstrument.get_stack_sampler().unsubscribe(self._sampled)

    def forget(self) -> None:
        """The thread that forked is the sampled one, or the hook is not here."""
        self.stop()

    def is_taken_over(self) -> bool:
        """False: it uses no signal, and a hook of the program's replaces its own."""
        return False

    def _sampled(self, stack: Sequence[str], weight_s: float, _async_state: object) -> None:
        samples = self._samples
        if samples is None:
            return
        try:
            identities = [_without_line(text) for text in stack if _THREAD not in text]
            samples.take(samples.stacks.of_texts(identities, _frame_name))
            if samples.cost(self._cost_ns(weight_s)):
                running = sys.getprofile()  # must not go away before it returns
                self._unsubscribe()
                self._subscribe(samples.pace.interval_ns)
                del running
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once("sample", f"a stack was not sampled: {problem!r}")

    def _cost_ns(self, since_last_s: float) -> int:
        """What pyinstrument's walk over the stack and our part took, processor time at most."""
        began_s: float = self._pyinstrument.get_stack_sampler().last_profile_time + since_last_s
        before, self._used_ns = self._used_ns, thread_time_ns()
        return min(round((default_timer() - began_s) * 1e9), self._used_ns - before)


def _without_line(text: str) -> str:
    """Function, file, first line and class; not at which line it is now."""
    return text.partition("\1l")[0]


def _frame_name(identity: str) -> Frame:
    function, *marks = identity.split("\1")
    name, _, place = function.partition("\0")
    file, _, line = place.rpartition("\0")
    owner = next((mark[1:] + "." for mark in marks if mark.startswith("c")), "")
    return Frame(owner + name, file, int(line) if line.isdigit() else 0)


SAMPLERS: Final[dict[str, Callable[[], Sampler]]] = {
    "signal": SignalSampler,
    "pyinstrument": PyinstrumentSampler,
}
"""Setting → sampler; `off` is none."""
