"""What a sample weighs, and that memory and file stay bounded."""

from __future__ import annotations

import itertools
import json
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbtrace.conventions import DEEPER, NO_PYTHON
from rbtrace.files.profiles import Frame
from rbtrace.recording.sampling import profile_file
from rbtrace.recording.sampling.profile_file import ProfileFile
from rbtrace.recording.sampling.samples import FULL, Sample, Samples, SpanReference
from rbtrace.recording.sampling.stacks import DEEPEST, StackTable
from rbtrace.testing import FakeClock

MS = 1_000_000


def frames_of(table):
    """Paths of names by stack."""
    frames = [None, *(frame.name for frame in table.new_frames)]
    paths = [()]
    for parent, frame in table.new_stacks:
        paths.append((*paths[parent], frames[frame]))
    return paths


def samples_at(spans):
    clock = FakeClock()
    samples = Samples(10 * MS, clock, lambda: spans[-1])
    samples.begin()
    return clock, samples


def taken_after(*steps_ms):
    """Samples, each so long after the one before."""
    clock, samples = samples_at([SpanReference()])
    stack = samples.stacks.of_name("work")
    for step in steps_ms:
        clock.advance(step * MS)
        samples.take(stack)
    return samples.drain()


def test_a_sample_weighs_the_ticks_since_the_one_before():
    taken = taken_after(10, 12, 500)
    assert [sample.weight for sample in taken] == [10 * MS, 10 * MS, 500 * MS]
    times = [sample.time for sample in taken]
    assert [after - before for before, after in itertools.pairwise(times)] == [12 * MS, 500 * MS]


def test_a_sample_that_is_late_takes_nothing_from_the_next():
    assert [sample.weight for sample in taken_after(19, 1, 10)] == [10 * MS, 10 * MS, 10 * MS]


def test_what_makes_samples_late_gets_its_share_and_no_more():
    """Python for 7.013 ms and an extension for 11 ms in turn; ticks wait while the latter runs."""
    python, cycle = 7_013_000, 18_013_000
    clock, samples = samples_at([SpanReference()])
    begun = clock()
    of_python, of_extension = (samples.stacks.of_name(name) for name in ("python", "extension"))
    for tick in range(10 * MS, 60_000 * MS, 10 * MS):
        phase = tick % cycle
        seen = tick if phase < python else tick - phase + cycle
        if begun + seen > clock():  # else one signal stands for both
            clock.advance(begun + seen - clock())
            samples.take(of_python if seen == tick else of_extension)
    drained = samples.drain()
    found = sum(sample.weight for sample in drained if sample.stack == of_extension)
    assert found / sum(sample.weight for sample in drained) == pytest.approx(11 / 18.013, abs=0.002)


@given(steps=st.lists(st.integers(0, 100 * MS), min_size=1, max_size=50), begins=st.data())
def test_weights_are_whole_ticks_and_add_up_to_all_of_them(steps, begins):
    spans = [SpanReference()]
    clock, samples = samples_at(spans)
    stack = samples.stacks.of_name("work")
    begun = clock()
    for step in steps:
        clock.advance(step)
        spans.append(SpanReference(7, 2, begins.draw(st.integers(begun, clock())), 1))
        samples.take(stack)
    weights = [sample.weight for sample in samples.drain()]
    assert all(weight > 0 and weight % (10 * MS) == 0 for weight in weights)
    assert sum(weights) == (clock() - begun) // (10 * MS) * (10 * MS)
    assert samples.taken == len(weights)


def test_what_held_python_up_before_a_span_is_not_the_spans():
    spans = [SpanReference(7, 1, 0, 0)]
    clock, samples = samples_at(spans)
    stack = samples.stacks.of_name("work")
    clock.advance(10 * MS)
    samples.take(stack)
    clock.advance(300 * MS)
    spans.append(SpanReference(7, 2, clock(), 1))
    clock.advance(40 * MS)
    samples.take(stack)
    _, before, within = samples.drain()
    paths = frames_of(samples.stacks)
    assert (before.weight, before.span_id, paths[before.stack]) == (300 * MS, 1, (NO_PYTHON,))
    assert (within.weight, within.span_id, paths[within.stack]) == (40 * MS, 2, ("work",))


def test_a_sample_in_time_stands_for_its_interval_whenever_the_span_began():
    spans = [SpanReference(7, 2, FakeClock().now_ns + 9 * MS, 1)]
    clock, samples = samples_at(spans)
    clock.advance(11 * MS)
    samples.take(samples.stacks.of_name("work"))
    assert [sample.weight for sample in samples.drain()] == [10 * MS]


def test_samples_nobody_drains_are_dropped_and_counted():
    clock, samples = samples_at([SpanReference()])
    stack = samples.stacks.of_name("work")
    for _ in range(FULL + 5):
        clock.advance(10 * MS)
        samples.take(stack)
    assert len(samples.drain()) == FULL
    assert samples.overflowed == 5


def test_equal_stacks_have_one_number_and_a_deep_one_keeps_its_inner_part():
    table = StackTable()
    texts = [f"f{number}" for number in range(DEEPEST + 10)]
    assert table.of_texts(["a", "b"], Frame) == table.of_texts(["a", "b"], Frame)
    deep = table.of_texts(texts, Frame)
    path = frames_of(table)[deep]
    assert path == (DEEPER, *texts[-DEEPEST:])


def test_a_full_tree_cuts_stacks_and_says_so(monkeypatch):
    monkeypatch.setattr("rbtrace.recording.sampling.stacks.MAX_STACKS", 2)
    table = StackTable()
    stack = table.of_texts(["a", "b", "c", "d"], Frame)
    assert frames_of(table)[stack] == ("a", "b")
    assert table.cut == 1


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_after_so_many_samples_only_sums_of_minutes_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(profile_file, "MOST_SINGLE", 3)
    file = ProfileFile(tmp_path / "p", {})
    minute = 60_000 * MS
    samples = [Sample(minute + at * MS, 10, 1, 5, 6) for at in (1, 2, 3, 4, 5)]
    samples.append(Sample(2 * minute, 20, 1, 5, 6))
    file.write(StackTable(), samples, {}, final=False)
    file.write(StackTable(), [], {}, final=True)
    _, first, last = lines_of(tmp_path / "p")
    assert first["weights"] == [10, 10, 10]
    assert (first["minutes"]["times"], first["minutes"]["counts"]) == ([minute], [2])
    assert (last["minutes"]["times"], last["minutes"]["weights"]) == ([2 * minute], [20])


def test_a_disk_that_fails_loses_no_sample_while_there_is_room(tmp_path):
    folder = tmp_path / "missing"
    file = ProfileFile(folder / "p", {})
    table = StackTable()
    table.of_name("work")
    with pytest.raises(FileNotFoundError):
        file.write(table, [Sample(1, 1, 1, 0, 0)], {}, final=False)
    folder.mkdir()
    file.write(table, [Sample(2, 1, 1, 0, 0)], {}, final=False)
    _, line = lines_of(folder / "p")
    assert line["times"] == [0, 1]
    assert line["frames"] == [["work", "", 0]]


class Interrupted(deque):
    """A queue after whose listing the next sample is taken, as a signal may take it."""

    def __init__(self, sample):
        super().__init__()
        self._sample = sample

    def __iter__(self):
        yield from super().__iter__()
        self._sample()


def test_a_sample_that_is_taken_while_a_line_is_made_is_in_the_next(tmp_path):
    table = StackTable()
    number = itertools.count()

    def sample():
        table.of_texts(["work", f"step {next(number)}"], Frame)

    table.new_frames, table.new_stacks = Interrupted(sample), Interrupted(sample)
    sample()
    file = ProfileFile(tmp_path / "p", {})
    for _ in range(3):
        file.write(table, [Sample(1, 1, 1, 0, 0)], {}, final=False)

    _, *lines = lines_of(tmp_path / "p")
    frames = stacks = 0
    for line in lines:
        assert line["known"] == [frames, stacks]
        frames, stacks = frames + len(line["frames"]), stacks + len(line["stacks"])
        assert all(frame <= frames for _, frame in line["stacks"])
    assert stacks > 3


@pytest.mark.slow
def test_half_an_hour_takes_little_memory_and_little_file(run_script, tmp_path):
    """30 minutes at 10 ms, each sample in a span of its own, 20,000 different stacks of 60."""
    done = run_script(
        """
        from pathlib import Path
        import psutil
        from rbtrace.recording.sampling.profile_file import ProfileFile
        from rbtrace.recording.sampling.samples import SpanReference, Samples
        from rbtrace.files.profiles import Frame

        now = 10**18
        inside = lambda: SpanReference(2**127, samples.taken + 2**63)
        samples = Samples(10_000_000, lambda: now, inside)
        names = [[f"package.module.Class.method_{depth}_{which}" for which in range(40)]
                 for depth in range(60)]
        outer = [level[0] for level in names[:57]]
        file = ProfileFile(Path("p"), {})
        samples.begin()
        memory = psutil.Process().memory_info
        before = most = memory().rss
        for second in range(30 * 60):
            for tick in range(100):
                now += 10_000_000
                which = (second * 100 + tick) % 20_000
                inner = [names[57][which % 40], names[58][which // 40 % 40]]
                path = [*outer, *inner, names[59][which // 1600]]
                samples.take(samples.stacks.of_texts(path, Frame))
            file.write(samples.stacks, samples.drain(), {}, final=False)
            most = max(most, memory().rss)
        print(samples.taken, most - before, Path("p").stat().st_size)
        """,
        covered=False,
    )
    taken, memory, file = map(int, done.printed.split())
    print(f"memory {memory / 1e6:.1f} MB, file {file / 1e6:.1f} MB")
    assert taken == 180_000
    assert 0 < memory < 50e6
    assert file < 20e6
