"""A fork while a request is under way: gRPC would abort the child, so none may be then."""

from __future__ import annotations

import threading
import time

import pytest

from rbtrace.recording.export import sender as sending
from rbtrace.recording.export.exporters import GuardedSpanExporter
from rbtrace.recording.export.sender import ExportBatch, Sender


class Exporter:
    """An exporter without a network: a request lasts until it is shut down, if that ends it."""

    def __init__(self, *, gives_up: bool) -> None:
        self.asked = threading.Event()
        self.over = threading.Event()
        self._gives_up = gives_up

    def export(self, _spans: object) -> None:
        self.asked.set()
        self.over.wait(120)

    def shutdown(self) -> None:
        if self._gives_up:
            self.over.set()


@pytest.fixture
def sent(monkeypatch):
    """A function that gives a sender with a request under way, and the exporters it has made."""
    exporters: list[Exporter] = []
    senders: list[Sender] = []

    def make(name, *, gives_up=True):
        def another():
            exporters.append(Exporter(gives_up=gives_up))
            return exporters[-1]

        monkeypatch.setattr(
            "rbtrace.recording.export.exporters._find_exporter", lambda _group, _name: another
        )
        monkeypatch.setattr("rbtrace.recording.export.exporters._loaded", {name})
        monkeypatch.setattr(sending, "BEFORE_FORK_S", 0.05)
        monkeypatch.setattr(sending, "INTERRUPTED_S", 30 if gives_up else 0.2)
        sender = Sender(GuardedSpanExporter(name))
        senders.append(sender)
        sender.start()
        sender.offer(ExportBatch([], 0, 0))
        while not exporters:
            time.sleep(0.001)
        assert exporters[0].asked.wait(60)
        return sender, exporters

    yield make
    for one in exporters:
        one.over.set()
    for sender in senders:  # it would warn in the next test
        sender.finish(0)
        assert sender._thread.join(60)


def test_the_request_is_given_up_and_made_again_by_a_new_exporter(sent, capsys):
    sender, exporters = sent("otlp_proto_grpc")
    sender.pause()
    assert sender.can_begin_again()
    assert len(exporters) == 1
    sender.resume()
    end = time.monotonic() + 60
    while len(exporters) < 2:
        assert time.monotonic() < end, "the request was never made again"
        time.sleep(0.01)
    assert exporters[1].asked.wait(60)
    sender.finish(0)
    assert "not delivered" not in capsys.readouterr().err


def test_a_child_leaves_its_spans_in_files_if_the_request_goes_on(sent, capsys):
    sender, _ = sent("otlp_proto_grpc", gives_up=False)
    sender.pause()
    assert not sender.can_begin_again()
    assert "forked during a request; spans are kept in files" in capsys.readouterr().err
    sender.resume()
    sender.finish(0)


def test_children_can_use_other_exporters_although_the_request_goes_on(sent):
    sender, exporters = sent("otlp_proto_http", gives_up=False)
    sender.pause()
    assert sender.can_begin_again()
    assert not exporters[0].over.is_set()
    sender.resume()
    sender.finish(0)
