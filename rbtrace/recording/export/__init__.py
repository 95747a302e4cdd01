"""Spans on their way out: provider, span processor, encoder, files, flush, fork and exit.

The only package that imports the OpenTelemetry SDK, and only when the first span starts.
"""
