"""Every format holds the same stacks and the same time."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess

import pytest
from pyinstrument.renderers import ConsoleRenderer, SpeedscopeRenderer

from rbtrace.profiling.flamegraph.formats import FORMATS, format_of, to_folded
from rbtrace.profiling.flamegraph.otlp_profiles import to_otlp
from rbtrace.profiling.flamegraph.pprof import to_pprof
from rbtrace.profiling.flamegraph.pyinstrument_session import of_session, to_html, to_session
from rbtrace.profiling.flamegraph.speedscope import to_speedscope
from tests.support.profiles import NASTY, profile_of

MS = 1_000_000
WEIGHTS = {("main", "read"): 30 * MS, ("main", "read", "parse"): 50 * MS, ("main",): 20 * MS}


def paths_of(profile):
    return {
        tuple(frame.name for frame in profile.path(stack)): weight
        for stack, weight, _ in profile.folded()
    }


def test_folded():
    assert to_folded(profile_of(WEIGHTS)) == "main 20000\nmain;read 30000\nmain;read;parse 50000\n"


def test_folded_lines_stay_lines():
    for name in NASTY:
        (line,) = to_folded(profile_of({("a", name): MS})).splitlines()
        stack, _, weight = line.rpartition(" ")
        assert (stack.count(";"), weight) == (1, "1000")


def test_speedscope():
    document = json.loads(to_speedscope(profile_of(WEIGHTS), "title"))
    frames = [frame["name"] for frame in document["shared"]["frames"]]
    (one,) = document["profiles"]
    read = {
        tuple(frames[number] for number in sample): weight
        for sample, weight in zip(one["samples"], one["weights"], strict=True)
    }
    assert read == WEIGHTS
    assert one["endValue"] == sum(WEIGHTS.values())


def test_a_session_of_pyinstrument_and_its_renderers():
    session = to_session(profile_of(WEIGHTS), "title")
    assert paths_of(of_session(session)) == WEIGHTS
    assert session.root_frame().time == pytest.approx(0.1)
    assert "parse" in ConsoleRenderer().render(session)
    assert "parse" in SpeedscopeRenderer().render(session)


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_the_page_is_harmless_whatever_a_function_is_called(name):
    page = to_html(profile_of({("a", name): MS}), name)
    assert page.count("</script>") == to_html(profile_of({("a", "b"): MS}), "c").count("</script>")


@pytest.mark.skipif(shutil.which("go") is None, reason="needs go tool pprof")
def test_pprof_is_read_by_pprof(tmp_path):
    path = tmp_path / "one.pb.gz"
    path.write_bytes(to_pprof(profile_of(WEIGHTS)))
    done = subprocess.run(
        ["go", "tool", "pprof", "-top", "-unit=ms", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "no such tool" in done.stderr:
        pytest.skip("this Go has no pprof")
    rows = [line.split() for line in done.stdout.splitlines() if line.endswith(("read", "parse"))]
    assert {row[5]: (row[0], row[3]) for row in rows} == {
        "read": ("30ms", "80ms"),
        "parse": ("50ms", "50ms"),
    }


def test_pprof_is_reproducible():
    assert to_pprof(profile_of(WEIGHTS)) == to_pprof(profile_of(WEIGHTS))
    assert b"parse" in gzip.decompress(to_pprof(profile_of(WEIGHTS)))


def decoded(encoded):
    from opentelemetry.proto.collector.profiles.v1development import profiles_service_pb2

    request = profiles_service_pb2.ExportProfilesServiceRequest()
    request.ParseFromString(encoded)
    return request


def stacks_of(request):
    """(path, trace, span) → [(time, weight), …] of an export request."""
    tables = request.dictionary
    texts = tables.string_table
    found = {}
    for resource in request.resource_profiles:
        for sample in resource.scope_profiles[0].profiles[0].samples:
            locations = tables.stack_table[sample.stack_index].location_indices
            path = tuple(
                texts[
                    tables.function_table[
                        tables.location_table[at].lines[0].function_index
                    ].name_strindex
                ]
                for at in reversed(locations)
            )
            link = tables.link_table[sample.link_index]
            found[path, link.trace_id.hex(), link.span_id.hex()] = list(
                zip(sample.timestamps_unix_nano, sample.values, strict=True)
            )
    return found


def test_otlp_has_times_weights_and_links():
    profile = profile_of(WEIGHTS)
    profile.span[0] = 5
    profile.traces[5] = 2**100
    assert stacks_of(decoded(to_otlp(profile))) == {
        (("main", "read"), f"{2**100:032x}", f"{5:016x}"): [(0, 30 * MS)],
        (("main", "read", "parse"), "", ""): [(1000, 50 * MS)],
        (("main",), "", ""): [(2000, 20 * MS)],
    }


def test_a_format_is_known_by_its_suffix(tmp_path):
    for name, one in FORMATS.items():
        assert format_of(tmp_path / f"x{one.suffix}") == name
    assert format_of(tmp_path / "x.json") is None
