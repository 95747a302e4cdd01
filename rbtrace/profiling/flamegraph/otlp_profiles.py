"""OTLP profiles: each sample with its time and a link to the span it fell in.

The signal is alpha (`v1development`) and may change; so its encoder stands apart, and its messages
come from `opentelemetry-proto`, which the extra `otlp` brings. Entry 0 of every table is the null
value.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

import numpy as np

from rbtrace.conventions import (
    DEFAULT_SERVICE_NAME,
    HOST_NAME,
    PROCESS_PID,
    RUN_ID,
    SCOPE_NAME,
    SERVICE_NAME,
)
from rbtrace.errors import MissingExtraError
from rbtrace.profiling.flamegraph.profile import Profile

PATH: Final = "/v1development/profiles"
"""Where a collector takes them, beneath its endpoint."""


def _messages() -> Any:
    try:
        from opentelemetry.proto.collector.profiles.v1development import (  # noqa: PLC0415
            profiles_service_pb2,
        )
    except ModuleNotFoundError as problem:
        raise MissingExtraError("otlp", "OTLP profiles") from problem
    return profiles_service_pb2


def to_otlp(profile: Profile) -> bytes:
    """Encode an `ExportProfilesServiceRequest`, to be posted to a collector at `PATH`.

    One profile for each process; of its samples, those of the same stack and span are one entry
    with as many values, ns, as timestamps. Sums of minutes have the minute as their timestamp.

    Raises:
        MissingExtraError: the extra `otlp` is not installed.
    """
    request = _messages().ExportProfilesServiceRequest()
    tables = _Tables(request.dictionary)
    stack_numbers = _add_stacks(profile, tables)
    for code, process in enumerate(profile.processes):
        rows = np.flatnonzero(profile.process == code)
        if not rows.size:
            continue
        group = request.resource_profiles.add()
        host, _, pid = process.name.rpartition("/")
        for key, value in (
            (SERVICE_NAME, DEFAULT_SERVICE_NAME), (HOST_NAME, host), (RUN_ID, process.run_id),
        ):  # fmt: skip
            attribute = group.resource.attributes.add()
            attribute.key, attribute.value.string_value = key, value
        if pid.isdigit():
            attribute = group.resource.attributes.add()
            attribute.key, attribute.value.int_value = PROCESS_PID, int(pid)
        scope = group.scope_profiles.add()
        scope.scope.name = SCOPE_NAME
        message = scope.profiles.add()
        message.sample_type.type_strindex = message.period_type.type_strindex = tables.text("wall")
        message.sample_type.unit_strindex = message.period_type.unit_strindex = tables.text(
            "nanoseconds"
        )
        message.period = process.interval_ns
        message.time_unix_nano = process.start_ns
        message.duration_nano = max(0, process.end_ns - process.start_ns)
        message.profile_id = int(profile.time[rows].sum() % 2**63).to_bytes(16, "big")
        _add_samples(profile, rows.tolist(), message, stack_numbers, tables)
    encoded: bytes = request.SerializeToString()
    return encoded


def _add_samples(
    profile: Profile, rows: list[int], into: Any, stack_numbers: list[int], tables: _Tables
) -> None:
    entries: dict[tuple[int, int], Any] = {}
    for row in rows:
        key = (int(profile.stack[row]), int(profile.span[row]))
        sample = entries.get(key)
        if sample is None:
            sample = entries[key] = into.samples.add()
            sample.stack_index = stack_numbers[key[0]]
            sample.link_index = tables.link(profile.traces.get(key[1], 0), key[1])
        sample.values.append(int(profile.weight[row]))
        sample.timestamps_unix_nano.append(int(profile.time[row]))


def _add_stacks(profile: Profile, tables: _Tables) -> list[int]:
    """Add frames and stacks to the dictionary; give the number of every stack that occurs."""
    dictionary = tables.dictionary
    for frame in profile.frames:
        function = dictionary.function_table.add()
        function.name_strindex = function.system_name_strindex = tables.text(frame.name)
        function.filename_strindex = tables.text(frame.file)
        function.start_line = frame.line
        line = dictionary.location_table.add().lines.add()
        line.function_index = len(dictionary.function_table) - 1
        line.line = frame.line
    numbers = [0] * profile.parent.size
    for stack, _, _ in profile.folded():
        numbers[stack] = len(dictionary.stack_table)
        innermost_first = dictionary.stack_table.add().location_indices
        above = stack
        while above:
            innermost_first.append(int(profile.frame[above]) + 1)
            above = int(profile.parent[above])
    return numbers


class _Tables:
    """The dictionary that all profiles of a request share."""

    def __init__(self, dictionary: Any) -> None:
        self.dictionary = dictionary
        self._texts: dict[Hashable, int] = {}
        self._links: dict[Hashable, int] = {(0, 0): 0}
        self.text("")
        for table in ("mapping", "location", "function", "attribute", "stack"):
            getattr(dictionary, f"{table}_table").add()
        dictionary.link_table.add()

    def text(self, text: str) -> int:
        number = self._texts.get(text)
        if number is None:
            number = self._texts[text] = len(self._texts)
            self.dictionary.string_table.append(text.encode("utf-8", "replace").decode())
        return number

    def link(self, trace_id: int, span_id: int) -> int:
        if not trace_id:
            return 0
        number = self._links.get((trace_id, span_id))
        if number is None:
            number = self._links[trace_id, span_id] = len(self._links)
            link = self.dictionary.link_table.add()
            link.trace_id = trace_id.to_bytes(16, "big")
            link.span_id = span_id.to_bytes(8, "big")
        return number
