"""Messages that the system drops, so that nobody is woken by them."""

from __future__ import annotations

import socket
import sys
import time

import pytest

from rbtrace.telemetry.filter import drop_messages
from rbtrace.telemetry.flusher import Flusher

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="packet filters of Linux")


def test_one_signal_is_dropped_and_others_arrive():
    sending, receiving = socket.socketpair(type=socket.SOCK_DGRAM)
    with sending, receiving:
        receiving.setblocking(False)
        drop_messages(receiving, 62)
        for number in (62, 15, 62, 23):
            sending.send(bytes([number]))
        assert [receiving.recv(9), receiving.recv(9)] == [b"\x0f", b"\x17"]
        with pytest.raises(BlockingIOError):
            receiving.recv(9)


def test_the_flush_thread_hears_of_other_signals_only():
    heard = []
    flusher = Flusher(lambda: None, on_signal=heard.append)
    flusher.ignore_signal(62)
    flusher.ensure_running()
    with socket.socket(fileno=socket.dup(flusher.wakeup_fd)) as wake:
        for number in (62, 15):
            wake.send(bytes([number]))
    deadline = time.monotonic() + 20
    while not heard and time.monotonic() < deadline:
        time.sleep(0.01)
    assert flusher.stop(30)
    flusher.close()
    assert heard == [15]
