"""OpenTelemetry beside rbtrace: broken, the program's own, switched off."""

from __future__ import annotations

import logging

from common import main, settled, work

import rbtrace


def broken() -> None:
    """The installation of OpenTelemetry cannot be imported: the program must not notice."""
    settled()
    print(work())


def own_provider() -> None:
    """The program sets a provider of its own after rbtrace's first span; it is not refused."""
    settled()
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    with trace.get_tracer("mine").start_as_current_span("mine"):
        print(trace.get_tracer_provider() is provider)
    provider.force_flush()
    print([span.name for span in exporter.get_finished_spans()])
    work()


def own_spans_apart() -> None:
    """Spans of the program's own API without a provider stay what they are: nothing."""
    from opentelemetry import trace

    settled()
    with trace.get_tracer("mine").start_as_current_span("mine") as span:
        print(span.is_recording(), type(trace.get_tracer_provider()).__name__)
    print(logging.getLogger("opentelemetry").handlers)


def baggage() -> None:
    """The program's context and baggage are kept through spans and threads."""
    from opentelemetry import baggage, context

    token = context.attach(baggage.set_baggage("mine", "value"))
    with rbtrace.span("within"):
        print(baggage.get_baggage("mine"))
    work()
    context.detach(token)
    print(baggage.get_all())


if __name__ == "__main__":
    main(broken, own_provider, own_spans_apart, baggage)
