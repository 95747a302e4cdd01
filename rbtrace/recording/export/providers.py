"""Which tracer provider our spans come from, and the processor that knows which of them are open.

Decided at the first span, never at start-up: a global provider set early would make the program's
own one refused later. If the program has set an SDK provider, our processor joins it. If not, our
spans come from a private provider that is never made global; should the program set its own later,
our processor joins that one too, so that the program's spans are kept, while ours stay private.

One processor serves one provider. Under a provider of the program's own, whose resource cannot
change, it stamps run id, arm and pid on the spans themselves.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from opentelemetry import trace
from opentelemetry.context import get_current
from opentelemetry.sdk.resources import (
    TELEMETRY_SDK_LANGUAGE,
    TELEMETRY_SDK_NAME,
    TELEMETRY_SDK_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.sdk.version import __version__ as SDK_VERSION  # noqa: N812 - a constant

from rbtrace import conventions as key
from rbtrace.conventions import THREAD_ID
from rbtrace.errors import warn_once
from rbtrace.recording.export import threads
from rbtrace.recording.export.records import Record
from rbtrace.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext, Tracer
    from opentelemetry.util.types import AttributeValue

    from rbtrace.recording.export.files import ProcessIdentity
    from rbtrace.settings import Settings

    class _SpanReceiver(Protocol):
        """What takes the spans of a provider that start and end in this process."""

        settings: Settings
        process: ProcessIdentity

        @property
        def is_of_this_process(self) -> bool: ...
        def span_started(
            self, span: Span, thread: int, context: Context, stamp: Mapping[str, AttributeValue], /
        ) -> None: ...
        def span_ended(self, span: ReadableSpan, span_id: int, /) -> None: ...
        def flush(self) -> None: ...


class _Ids(IdGenerator):
    """Random ids that take nothing from the program's `random`, whose numbers would change."""

    def generate_span_id(self) -> int:
        """A span id; never 0, which means none."""
        return int.from_bytes(os.urandom(8)) or 1

    def generate_trace_id(self) -> int:
        """A trace id; never 0, which means none."""
        return int.from_bytes(os.urandom(16)) or 1


IDS: Final = _Ids()
"""Makes the ids of all spans of ours, whether a tracer starts them or not."""


class Providers:
    """The providers this process records from, and the tracers made of the chosen one."""

    def __init__(self, pipeline: _SpanReceiver) -> None:
        self._pipeline = pipeline
        self._joined: dict[int, tuple[TracerProvider, RbtraceSpanProcessor]] = {}
        self._chosen: TracerProvider | None = None
        self._own = False
        self._tracers: dict[str, Tracer] = {}

    def tracer(self, scope: str) -> Tracer:
        """The tracer of the chosen provider for one scope."""
        self._join_programs_provider()
        tracer = self._tracers.get(scope)
        if tracer is None:
            tracer = self._choose().get_tracer(scope, __version__, schema_url=key.SCHEMA_URL)
            self._tracers[scope] = tracer
        return tracer

    @property
    def stamp(self) -> Mapping[str, AttributeValue]:
        """What goes on every record of ours because the resource does not say it."""
        self._choose()
        return {} if self._own else self._identity()

    @property
    def resource(self) -> Resource:
        """The resource of the chosen provider."""
        return self._choose().resource

    def samples(self, trace_id: int, name: str) -> bool:
        """Whether the chosen provider would record a new trace."""
        decided = self._choose().sampler.should_sample(None, trace_id, name)
        return decided.decision is Decision.RECORD_AND_SAMPLE

    def _choose(self) -> TracerProvider:
        if self._chosen is None:
            joined = self._join_programs_provider()
            self._own = joined is None
            self._chosen = joined or self._private_provider()
        return self._chosen

    def _join_programs_provider(self) -> TracerProvider | None:
        current = trace.get_tracer_provider()
        if not isinstance(current, TracerProvider):
            return None
        if id(current) not in self._joined:
            self._join(current, self._identity())
        return current

    def _private_provider(self) -> TracerProvider:
        provider = TracerProvider(
            resource=_resource(self._resource_attributes()),
            id_generator=IDS,
            shutdown_on_exit=False,
        )
        self._join(provider, {})
        return provider

    def _join(self, provider: TracerProvider, stamp: Mapping[str, AttributeValue]) -> None:
        processor = RbtraceSpanProcessor(self._pipeline, stamp)
        provider.add_span_processor(processor)
        self._joined[id(provider)] = (provider, processor)

    def _identity(self) -> dict[str, AttributeValue]:
        settings, process = self._pipeline.settings, self._pipeline.process
        identity: dict[str, AttributeValue | None] = {
            key.RUN_ID: process.run_id,
            key.PROCESS_PID: process.pid,
            key.ARM: settings.arm,
            key.PAIR: settings.pair,
            key.ORDER: settings.order,
        }
        return {name: value for name, value in identity.items() if value is not None}

    def _resource_attributes(self) -> dict[str, AttributeValue]:
        process = self._pipeline.process
        attributes: dict[str, AttributeValue] = {
            key.SERVICE_INSTANCE_ID: process.instance,
            key.HOST_NAME: process.host,
            **self._identity(),
        }
        named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        )
        if not named:
            attributes[key.SERVICE_NAME] = key.DEFAULT_SERVICE_NAME
        return attributes

    def set_active(self, *, active: bool) -> None:
        """Make our processors inert, or let them record again."""
        for _, processor in self._joined.values():
            processor.active = active

    def take_over(self, inherited: Providers) -> None:
        """In a forked child: stay joined to the program's provider, with this process's pid.

        The parent's private provider is not taken over: the child makes one with its own resource.
        """
        for identity, (provider, processor) in inherited._joined.items():
            if processor.stamp:
                processor.stamp = self._identity()
                self._joined[identity] = (provider, processor)


def _resource(attributes: Mapping[str, AttributeValue]) -> Resource:
    """What `Resource.create` gives, which starts threads for detectors although there are none."""
    if os.environ.get(_DETECTORS, "").strip() not in {"", "otel"}:
        return Resource.create(dict(attributes))
    sdk = Resource(
        {
            TELEMETRY_SDK_LANGUAGE: "python",
            TELEMETRY_SDK_NAME: "opentelemetry",
            TELEMETRY_SDK_VERSION: SDK_VERSION,
        }
    )
    return sdk.merge(OTELResourceDetector().detect()).merge(Resource(dict(attributes)))


_DETECTORS = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"


class OpenSpan(NamedTuple):
    """A span this process has started and not ended."""

    span: Span
    thread: int
    is_local_root: bool
    stamp: Mapping[str, AttributeValue]


class RbtraceSpanProcessor(SpanProcessor):
    """Feeds a `Pipeline` from one provider. `active = False` makes it inert (uninstrument)."""

    def __init__(self, pipeline: _SpanReceiver, stamp: Mapping[str, AttributeValue]) -> None:
        self._pipeline = pipeline
        self.stamp = stamp
        self.active = True

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Remember the span as open, and where it started."""
        if not self.active or not span.context.trace_flags.sampled:
            return
        thread = threads.current_ident()
        Span.set_attribute(span, THREAD_ID, thread)  # known values need no guard
        for name, value in self.stamp.items():
            Span.set_attribute(span, name, value)
        context = get_current() if parent_context is None else parent_context
        try:
            if self._pipeline.is_of_this_process:
                self._pipeline.span_started(span, thread, context, self.stamp)
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once("start of a span", f"{span.name} is not traced: {problem!r}")

    def on_end(self, span: ReadableSpan) -> None:
        """Hand on the span and the summaries of its calls."""
        context = span.context
        if context is None:
            return
        try:
            self._pipeline.span_ended(span, context.span_id)
        except Exception as problem:  # noqa: BLE001 - tracing never raises into the program
            warn_once("end of a span", f"{span.name} is not traced: {problem!r}")

    def shutdown(self) -> None:
        """The program shut its provider down: deliver what there is."""
        self._pipeline.flush()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the interface
        """Deliver what there is."""
        self._pipeline.flush()
        return True


class OpenSpans:
    """The open spans of this process by span id.

    A span inherited over a fork is not among them, so a child never ends, reports or counts it.
    """

    def __init__(self) -> None:
        self._spans: dict[int, OpenSpan] = {}

    def add(
        self, span: Span, thread: int, *, is_local_root: bool, stamp: Mapping[str, AttributeValue]
    ) -> None:
        """Remember a span that started."""
        self._spans[span.context.span_id] = OpenSpan(span, thread, is_local_root, stamp)

    def remove(self, span_id: int) -> OpenSpan | None:
        """Forget a span that ended; None if it is not one of ours."""
        return self._spans.pop(span_id, None)

    def get(self, span_id: int) -> OpenSpan | None:
        """The open span of that id."""
        return self._spans.get(span_id)

    def __len__(self) -> int:
        return len(self._spans)

    def records(self) -> list[Record]:
        """The open spans as they stand, for the file of open spans."""
        return [Record(entry.span, entry.stamp) for entry in list(self._spans.values())]


_scopes: dict[str, InstrumentationScope] = {}


def finished_span(
    name: str,
    context: SpanContext,
    parent: SpanContext | None,
    interval_ns: tuple[int, int],
    attributes: Mapping[str, AttributeValue],
    resource: Resource,
    scope: str,
) -> ReadableSpan:
    """A span that no tracer started, with ids, parent and interval (epoch ns) as given."""
    instrumentation = _scopes.get(scope)
    if instrumentation is None:
        instrumentation = _scopes[scope] = InstrumentationScope(scope, __version__, key.SCHEMA_URL)
    return ReadableSpan(
        name=name,
        context=context,
        parent=parent,
        resource=resource,
        attributes=attributes,
        start_time=interval_ns[0],
        end_time=interval_ns[1],
        instrumentation_scope=instrumentation,
    )
