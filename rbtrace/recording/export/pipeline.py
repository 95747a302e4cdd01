"""The recording state of one process: open spans, writer, flush thread, provider.

There is one `Pipeline` per process. It starts with the first span, pauses its thread around a
fork, and starts over in the child: new files, new counts, no lock held.
"""

from __future__ import annotations

import os
import sys
import threading
import uuid
from time import monotonic
from types import ModuleType
from typing import TYPE_CHECKING

from rbtrace.errors import warn_once
from rbtrace.files.liveness import this_process
from rbtrace.recording.export import clock, threads
from rbtrace.recording.export.exporters import span_exporter_of_environment
from rbtrace.recording.export.files import ProcessIdentity, TraceFiles
from rbtrace.recording.export.flusher import Flusher, uninterrupted
from rbtrace.recording.export.lifecycle import MULTIPROCESSING, finish_with_worker
from rbtrace.recording.export.metrics import metrics_of_environment
from rbtrace.recording.export.providers import OpenSpans, Providers
from rbtrace.recording.export.records import Record
from rbtrace.recording.export.sender import Sender
from rbtrace.recording.export.threads import new_lock
from rbtrace.recording.export.writer import BUSY_S, DELIVERY_S, SpanFileWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span
    from opentelemetry.trace import Tracer
    from opentelemetry.util.types import AttributeValue

    from rbtrace.recording.export.records import Aggregates, StackSampling
    from rbtrace.settings import Settings


class Pipeline:
    """Everything between a span that starts and the bytes that stay of it, in one process."""

    def __init__(self, settings: Settings, aggregates: Aggregates, stacks: StackSampling) -> None:
        self.settings = settings.settled()
        self.aggregates = aggregates
        self.stacks = stacks
        self.flusher = Flusher(self.flush, self.shutdown)
        self._forked = False
        self._begin()

    def _begin(self, *, can_send: bool = True) -> None:
        host, pid, started = this_process()
        run_id = self.settings.run_id
        assert run_id is not None
        self.process = ProcessIdentity(run_id, host, pid, started, str(uuid.uuid4()))
        self.open_spans = OpenSpans()
        self.closed = False
        self._shutting_down = new_lock()
        self._is_worker: bool | None = None
        self.files = TraceFiles(self.settings.directory / run_id, host, pid)
        exporter = span_exporter_of_environment() if can_send else None
        span_sender = None if exporter is None else Sender(exporter)
        self.writer = SpanFileWriter(self.files, self.process, span_sender)
        self.providers = Providers(self)
        self.metrics = (
            metrics_of_environment(self.process.instance, lambda: self.providers.resource)
            if can_send
            else None
        )
        senders = (span_sender, None if self.metrics is None else self.metrics.sender)
        self._senders = [sender for sender in senders if sender is not None]

    @property
    def is_of_this_process(self) -> bool:
        """Whether this process made it, and not one it was forked from by an extension.

        Python does not learn of such a fork, and a thread that is started there may hang the child.
        """
        if os.getpid() == self.process.pid:
            return True
        warn_once("fork", "this process was forked without Python being told: it is not traced")
        return False

    def tracer(self, scope: str) -> Tracer:
        """The tracer for an instrumentation scope; the first call decides about the provider.

        It also sets up what delivers spans, so that no span contains that.
        """
        tracer = self.providers.tracer(scope)
        if self._is_worker is None:
            self.keep_delivering()
        return tracer

    def span_started(
        self, span: Span, thread: int, context: Context, stamp: Mapping[str, AttributeValue]
    ) -> None:
        """A span of this process started."""
        parent = span.parent
        is_local_root = (
            parent is None or parent.is_remote or self.open_spans.get(parent.span_id) is None
        ) and not self.aggregates.span_started(span, context)
        self.open_spans.add(span, thread, is_local_root=is_local_root, stamp=stamp)
        self.keep_delivering()
        if self._is_worker and is_local_root:
            self.flush()

    def keep_delivering(self) -> None:
        """There is something to deliver from now on: see that it is, also when the worker ends."""
        if self._is_worker is None:
            self._is_worker = self._forked or _is_worker_process()
            for sender in self._senders:
                sender.start()
            if self._is_worker:
                self.writer.may_end_unnoticed = True
                finish_with_worker(self.shutdown)
        if not self.closed:
            self.flusher.ensure_running()
            self.stacks.ensure_running(self.settings, self.process)

    def span_ended(self, span: ReadableSpan, span_id: int) -> None:
        """A span ended: queue its summaries and itself; at the end of a worker's task, flush."""
        entry = self.open_spans.remove(span_id)
        if entry is None:
            return
        for summary in self.aggregates.span_ended(span):
            self._put_made(summary, entry.stamp)
        if not entry.is_local_root:
            self.writer.put(Record(span, {}))
            return
        self.writer.put(Record(span, self.writer.counts.attributes_of_next()))
        if self._is_worker or self.closed or not self.flusher.is_running:
            self.flush()

    def task_ended(self) -> None:
        """A task has ended in this thread: in a worker process, deliver what it recorded."""
        if self._is_worker:
            self.put_implicit({threads.current_ident()}.__contains__)
            self.flush()

    def put_implicit(self, is_over: Callable[[int], bool]) -> None:
        """Queue the trees that no span closes, of the threads that are over."""
        for span in self.aggregates.finish(is_over):
            self._put_made(span, self.providers.stamp)

    def _put_made(self, span: ReadableSpan, stamp: Mapping[str, AttributeValue]) -> None:
        """Queue a span that no tracer started, and count the calls it stands for."""
        if self.metrics is not None:
            self.metrics.note(span)
        self.writer.put(Record(span, stamp))

    def flush(self) -> None:
        """Deliver what has ended, and replace the files of what is open."""
        if self._is_worker is None or not self.is_of_this_process:
            return
        with uninterrupted():
            # `threading.enumerate` takes a lock, which gevent may have replaced.
            alive = {*getattr(threading, "_active", ()), *threads.live_greenlets()}
            self.put_implicit(lambda thread: thread not in alive)
            if self.closed:
                self.writer.flush_late(self._open_at_the_end())
            else:
                self.writer.flush(self._still_open)
            self._flush_stacks()
            if self.metrics is not None:
                self.metrics.flush()

    def _flush_stacks(self, *, final: bool = False) -> None:
        """Write what was sampled beside the spans; the flush before has settled the files' name."""
        self.stacks.flush(self.files.folder / self.files.stem, final=final)

    def _still_open(self) -> Iterable[Record]:
        stamp = self.providers.stamp
        yield from self.open_spans.records()
        for summary in self.aggregates.so_far():
            yield Record(summary, stamp)

    def shutdown(self) -> None:
        """Deliver everything; spans that end later are written as they end."""
        if not self.is_of_this_process:
            return
        with uninterrupted():
            if self._shutting_down.acquire(timeout=BUSY_S):
                try:
                    self._shut_down()
                finally:
                    self._shutting_down.release()
                self.flusher.stop()

    def _shut_down(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.stacks.stop()
        self.put_implicit(lambda _: True)
        deadline = monotonic() + DELIVERY_S
        if self.metrics is not None:
            self.metrics.flush()
        self.writer.close(self._open_at_the_end())
        self._flush_stacks(final=True)
        if self.metrics is not None:
            self.metrics.finish(max(0.0, deadline - monotonic()))

    def _open_at_the_end(self) -> Callable[[], Iterable[Record]] | None:
        return self._still_open if len(self.open_spans) else None

    def before_exec(self) -> None:
        """Another program is about to take this one's place, should it be there."""
        if self._is_worker is None or self.closed or not self.is_of_this_process:
            return
        with uninterrupted():
            self.writer.leave_files(self._open_at_the_end())
            self._flush_stacks(final=True)

    def close_connections(self) -> None:
        """End the threads that send, and with them their connections."""
        for sender in self._senders:
            sender.pause()

    @property
    def is_sending(self) -> bool:
        """Whether a request goes on although its thread was to end."""
        return any(sender.is_running for sender in self._senders)

    def connect_again(self) -> None:
        """Send again."""
        for sender in self._senders:
            sender.resume()

    def before_fork(self) -> bool:
        """End our threads; say whether the flush thread was running."""
        self.close_connections()
        return self.flusher.stop()

    def after_fork(self, *, was_running: bool) -> None:
        """In the parent: go on."""
        self.connect_again()
        if was_running and not self.closed:
            self.flusher.ensure_running()

    def begin_again_in_child(self) -> None:
        """In a forked child: nothing of the parent's is ended, reported or counted here."""
        self.aggregates.forget()
        self.stacks.begin_again_in_child()
        self.flusher.forget()
        clock.measure_again()
        self._forked = True
        inherited = self.providers
        self._begin(can_send=all(sender.can_begin_again() for sender in self._senders))
        self.providers.take_over(inherited)


def _is_worker_process() -> bool:
    """Whether somebody else ends this process, without its exit hooks."""
    for library in MULTIPROCESSING:
        process = sys.modules.get(f"{library}.process")
        if process is not None and process.parent_process() is not None:
            return True
    ray = sys.modules.get("ray._private.worker")
    worker = vars(ray).get("global_worker") if isinstance(ray, ModuleType) else None
    return worker is not None and bool(worker.mode == vars(ray).get("WORKER_MODE"))
