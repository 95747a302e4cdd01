"""The definitions, written down as slowly and plainly as possible: sets of nanoseconds.

Nothing here shares code or method with the package. Times must be small.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from tests.support.spans import EXEMPLAR, REAL, SUMMARY, Span


class Oracle:
    def __init__(self, records: list[Span]) -> None:
        self.spans = self._distinct(records)
        self.duplicates = len(records) - len(self.spans)
        self.parent = {
            at: (span.trace, span.parent) if (span.trace, span.parent) in self.spans else None
            for at, span in self.spans.items()
        }
        self.orphans = sum(
            span.parent != 0 and self.parent[at] is None for at, span in self.spans.items()
        )
        self._cut_cycles()
        self.children = defaultdict(list)
        for at, above in self.parent.items():
            self.children[above].append(at)
        self.times = {at: self._times(at) for at in self.spans}
        self.shifts = self._shifts()
        for at, span in self.spans.items():
            start, end = self.times[at]
            shift = self.shifts.get(span.process, 0)
            self.times[at] = start + shift, end + shift

    @staticmethod
    def _distinct(records: list[Span]) -> dict[tuple[int, int], Span]:
        best: dict[tuple[int, int], Span] = {}
        for span in records:
            at = (span.trace, span.id)
            if at not in best or _rank(span) < _rank(best[at]):
                best[at] = span
        return best

    def _cut_cycles(self) -> None:
        while True:
            for at in self.spans:
                seen, above = [at], self.parent[at]
                while above is not None and above not in seen:
                    seen.append(above)
                    above = self.parent[above]
                if above is not None:
                    cycle = seen[seen.index(above) :]
                    first = min(cycle, key=lambda one: (self.spans[one].start, one[1]))
                    self.parent[first] = None
                    self.orphans += 1
                    break
            else:
                return

    def _latest(self, at: tuple[int, int]) -> int:
        span = self.spans[at]
        if span.kind == REAL and span.end:
            return max(span.start, span.end)
        beneath = [self._latest(child) for child in self.children[at]]
        own = 0 if span.kind == SUMMARY else max(span.start, span.end)
        return max([own, *beneath])

    def _times(self, at: tuple[int, int]) -> tuple[int, int]:
        span = self.spans[at]
        return span.start, self._latest(at) if span.end == 0 else max(span.start, span.end)

    def _shifts(self) -> dict[int, int]:
        """Of two processes: the later one must follow, unless each of them demands it."""
        demands: dict[tuple[int, int], int] = {}
        for at, span in self.spans.items():
            above = self.real_parent(at)
            if self.real(at) and above is not None:
                pair = (self.spans[above].process, span.process)
                late = self.times[above][0] - self.times[at][0]
                if pair[0] != pair[1]:
                    demands[pair] = max(late, demands.get(pair, late))
        for (one, other), late in demands.items():
            if late + demands.get((other, one), -late) <= 0 < late:
                return {other: late}
        return {}

    def real(self, at: tuple[int, int]) -> bool:
        return self.spans[at].kind == REAL

    def real_parent(self, at: tuple[int, int]) -> tuple[int, int] | None:
        above = self.parent[at]
        while above is not None and not self.real(above):
            above = self.parent[above]
        return above

    def real_children(self, at: tuple[int, int]) -> list[tuple[int, int]]:
        return [one for one in self.spans if self.real(one) and self.real_parent(one) == at]

    def ticks(self, at: tuple[int, int]) -> set[int]:
        return set(range(*self.times[at]))

    def summaries_of(self, at: tuple[int, int]) -> list[tuple[int, int]]:
        found = []
        pending = list(self.children[at])
        while pending:
            one = pending.pop()
            span = self.spans[one]
            if span.kind == REAL:
                continue
            pending += self.children[one]
            if span.kind == SUMMARY and self._same_thread(one, at):
                found.append(one)
        return found

    def _same_thread(self, one: tuple[int, int], other: tuple[int, int]) -> bool:
        a, b = self.spans[one], self.spans[other]
        known = a.thread and b.thread
        return a.process == b.process and (not known or a.thread == b.thread)

    def self_ns(self, at: tuple[int, int]) -> int:
        span = self.spans[at]
        if span.kind != REAL:
            return span.self_ns if span.kind == SUMMARY else 0
        left = self.ticks(at)
        for child in self.real_children(at):
            left -= self.ticks(child)
        in_summaries = sum(self.spans[one].self_ns for one in self.summaries_of(at))
        return max(0, len(left) - in_summaries)

    def clipped(self) -> int:
        count = 0
        for at in self.spans:
            above = self.real_parent(at)
            if self.real(at) and above is not None and self._same_thread(at, above):
                (start, end), (low, high) = self.times[at], self.times[above]
                count += start < low or end > high
        return count

    def wall(self) -> int:
        by_trace: dict[int, set[int]] = defaultdict(set)
        for at, span in self.spans.items():
            if span.kind == REAL:
                by_trace[span.trace] |= self.ticks(at)
        return sum(len(ticks) for ticks in by_trace.values())

    def by_name(self) -> dict[str, tuple[int, int]]:
        """Calls and self time of each name."""
        found: dict[str, tuple[int, int]] = {}
        for at, span in self.spans.items():
            if span.kind != EXEMPLAR:
                calls, ns = found.get(span.name, (0, 0))
                own = span.calls if span.kind == SUMMARY else 1
                found[span.name] = calls + own, ns + self.self_ns(at)
        return found

    def by_path(self) -> dict[tuple[str, ...], tuple[int, int]]:
        found: dict[tuple[str, ...], tuple[int, int]] = {}
        for at, span in self.spans.items():
            if span.kind == EXEMPLAR:
                continue
            path, above = (span.name,), self.parent[at]
            while above is not None:
                if self.spans[above].kind != EXEMPLAR:
                    path = (self.spans[above].name, *path)
                above = self.parent[above]
            calls, ns = found.get(path, (0, 0))
            own = span.calls if span.kind == SUMMARY else 1
            found[path] = calls + own, ns + self.self_ns(at)
        return found

    def critical_path(self) -> dict[tuple[int, int], dict[str, int]]:
        """Of each real root: the time of each name on its critical path."""
        found = {}
        for at in self.spans:
            if self.real(at) and self.real_parent(at) is None:
                spent: dict[str, int] = defaultdict(int)
                self._walk(at, *self.times[at], spent)
                found[at] = {name: ns for name, ns in spent.items() if ns}
        return found

    def _walk(self, at: tuple[int, int], start: int, end: int, spent: dict[str, int]) -> None:
        windows = []
        for child in self.real_children(at):
            low, high = max(self.times[child][0], start), min(self.times[child][1], end)
            if low < high:
                windows.append((high, low, -child[1], child))
        cursor, gaps = end, 0
        while True:
            fitting = [window for window in windows if window[0] <= cursor]
            if not fitting:
                break
            high, low, _, child = max(fitting)
            gaps += cursor - high
            self._walk(child, low, high, spent)
            cursor = low
        self._divide(at, gaps + cursor - start, spent)

    def _divide(self, at: tuple[int, int], gap: int, spent: dict[str, int]) -> None:
        summaries = sorted(self.summaries_of(at), key=lambda one: (self.spans[one].name, one[1]))
        claims = [(self.spans[at].name, self.self_ns(at))]
        claims += [(self.spans[one].name, self.spans[one].self_ns) for one in summaries]
        whole = sum(weight for _, weight in claims)
        if not whole:
            spent[self.spans[at].name] += gap
            return
        exact = [Fraction(gap * weight, whole) for _, weight in claims]
        parts = [int(part) for part in exact]
        ranked = sorted(range(len(claims)), key=lambda at: -(exact[at] - parts[at]))
        for place in ranked[: gap - sum(parts)]:
            parts[place] += 1
        for (name, _), part in zip(claims, parts, strict=True):
            spent[name] += part


def _rank(span: Span) -> tuple[bool, int, int]:
    return span.end == 0, -span.end, span.start
