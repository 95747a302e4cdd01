"""The sampling of one process: chosen by its settings, started with its first span.

The pipeline drives it: it starts with a span, is flushed when spans are, stops at the end and
starts over in a forked child.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rbtrace.conventions import PROFILE_SUFFIX, PROFILE_VERSION
from rbtrace.errors import warn_once
from rbtrace.files.profiles import ProfileHeader
from rbtrace.recording.export import clock
from rbtrace.recording.sampling.pace import MOST_SHARE, SHORTEST_NS
from rbtrace.recording.sampling.profile_file import ProfileFile
from rbtrace.recording.sampling.samplers import SAMPLERS, Sampler, say_listened
from rbtrace.recording.sampling.samples import Samples, SpanReference
from rbtrace.recording.sampling.timers import is_blocked, is_blocked_in_main_thread

if TYPE_CHECKING:
    from rbtrace.recording.export.files import ProcessIdentity
    from rbtrace.settings import Settings

_OURS: Final = "rbtrace-"
_MOST_NAMES: Final = 20


class Profiler:
    """Samples the main thread of this process, if the settings say so. It is a `StackSampling`."""

    def __init__(self, innermost_span: Callable[[], SpanReference]) -> None:
        """Sample nothing yet; `innermost_span` says what span the calling thread is in."""
        self._innermost_span = innermost_span
        self._sampler: Sampler | None = None
        self._samples: Samples | None = None
        self._file: ProfileFile | None = None
        self._header: ProfileHeader | None = None
        self._is_running = False
        self._failed = False
        self._unsampled: set[str] = set()
        self._blocked: int | None = None
        self._writing = threading.Lock()

    def ensure_running(self, settings: Settings, process: ProcessIdentity) -> None:
        """Start, if that is asked for; called with every span."""
        if self._is_running or self._failed or settings.sampler == "off":
            return
        if threading.current_thread() is not threading.main_thread():
            return  # the first span of the main thread will start it
        if self._blocked and is_blocked(self._blocked):
            return
        try:
            self._start(settings, process)
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            self._failed = True
            warn_once("sampler", f"no stacks are sampled: {problem!r}")

    def _start(self, settings: Settings, process: ProcessIdentity) -> None:
        interval_ns = round(settings.sample_interval_ms * 1e6)
        if interval_ns < SHORTEST_NS:
            warn_once(
                "sample interval",
                f"RBTRACE_SAMPLE_INTERVAL_MS={settings.sample_interval_ms:g} is too short: "
                f"stacks are sampled every {SHORTEST_NS / 1e6:g} ms",
            )
        if self._sampler is None:
            self._sampler = SAMPLERS[settings.sampler]()
        if self._samples is None:
            self._samples = Samples(interval_ns, clock.now_ns, self._innermost_span)
            self._header = _header(settings, process, self._samples.pace.interval_ns)
        self._samples.begin()
        self._is_running = self._sampler.start(self._samples)
        self._failed = not self._is_running

    def before_listening(self) -> None:
        """The program is about to hear of all signals: sample no more, if that is by one."""
        if self._is_running and self._sampler is not None and self._sampler.signal_number:
            self.stop()
            self._failed = True
            say_listened()

    def stop(self) -> None:
        """Sample no more; what was sampled waits for `flush`."""
        if self._is_running and self._sampler is not None:
            self._is_running = False
            self._sampler.stop()

    def flush(self, stem: Path, *, final: bool = False) -> None:
        """Write what was sampled since the last time. Never raises.

        Args:
            stem: path of the process's files, without a suffix.
            final: whether it is the last time.
        """
        samples = self._samples
        if samples is None:
            return
        with self._writing:
            self._give_way(samples)
            self._note_threads()
            drained = samples.drain()
            if self._file is None:
                assert self._header is not None
                self._file = ProfileFile(stem.with_name(stem.name + PROFILE_SUFFIX), self._header)
            state = {
                "until": clock.now_ns(),
                "taken": samples.taken,
                "dropped": samples.overflowed + self._file.dropped,
                "cut": samples.stacks.cut,
                "unsampled": sorted(self._unsampled),
                "interval_ns": samples.pace.interval_ns,
                "slowed": samples.pace.slowed,
            }
            try:
                self._file.write(samples.stacks, drained, state, final=final)
            except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
                warn_once("profile", f"cannot write stack samples to {stem.parent}: {problem}")

    def _give_way(self, samples: Samples) -> None:
        """Sample no more if the program uses what the sampler does; say what has become slower."""
        pace = samples.pace
        if pace.slowed:
            warn_once(
                "sampling slowed",
                f"stacks are sampled every {pace.interval_ns / 1e6:g} ms from now on, since "
                f"samples took more than {MOST_SHARE:.0%} of the program's time",
            )
        if not self._is_running or self._sampler is None:
            return
        number = self._sampler.signal_number
        if self._sampler.is_taken_over():
            self._failed = True
            self.stop()
            warn_once("sampler", f"no stacks are sampled: the program uses signal {number} itself")
        elif number and is_blocked_in_main_thread(number):
            self._blocked = number
            self.stop()
            warn_once(
                "sampler blocked",
                f"no stacks are sampled while the program blocks signal {number}: it could take "
                "one for its own",
            )

    def _note_threads(self) -> None:
        """Threads of the program's that are not sampled are named in the file."""
        for thread in threading.enumerate():
            if thread is threading.main_thread() or thread.name.startswith(_OURS):
                continue
            if len(self._unsampled) < _MOST_NAMES:
                self._unsampled.add(thread.name)

    def begin_again_in_child(self) -> None:
        """In a forked child: the parent's samples and file are the parent's."""
        if self._sampler is not None:
            self._sampler.forget()
        self._samples = self._file = None
        self._is_running = False
        self._unsampled.clear()
        self._writing = threading.Lock()


def _header(settings: Settings, process: ProcessIdentity, interval_ns: int) -> ProfileHeader:
    return ProfileHeader(
        version=PROFILE_VERSION,
        run_id=process.run_id,
        host=process.host,
        pid=process.pid,
        started=process.started,
        instance=process.instance,
        arm=settings.arm,
        sampler=settings.sampler,
        interval_ns=interval_ns,
        thread=str(threading.get_ident()),
        start=clock.now_ns(),
        python=sys.version.partition(" ")[0],
        program=sys.argv[0] if getattr(sys, "argv", None) else "",
    )
