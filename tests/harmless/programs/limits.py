"""Limits of the system: files, memory, processes; calls that the kernel refuses."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
import threading

from common import flush, in_child, main, settled, work

import rbtrace

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
EPERM = 1
CALLS = {
    "timer_create": 222,
    "eventfd2": 290,
    "clone3": 435,
    "pipe2": 293,
    "socket": 41,
    "openat": 257,
    "ftruncate": 77,
    "flock": 73,
}
"""Their numbers on x86-64."""


def file_size() -> None:
    """A limit on the size of files that ours reach: no SIGXFSZ, and the program writes its own."""
    settled()
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
    for _ in range(20):
        with rbtrace.span("long", text="x" * 500):
            pass
    flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(work())


def no_file_at_all() -> None:
    """A limit of no bytes from the start, as judges of programming contests set."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    settled()
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    print(work())


def memory() -> None:
    """Little memory left: MemoryError is the program's own, and it goes on after it."""
    settled()
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + 64_000_000, hard))
    for _ in range(3):
        try:
            with rbtrace.span("large"):
                bytearray(1_000_000_000)
        except MemoryError as problem:
            print(type(problem).__name__)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    print(work())


def no_threads() -> None:
    """No thread can be started, before the first span: clone is refused."""
    refuse("clone", "clone3")
    settled()
    try:
        threading.Thread(target=work).start()
    except RuntimeError as problem:
        print(problem)
    print(work())


def no_threads_any_more() -> None:
    """No thread and no child can be started after the first span."""
    settled()
    refuse("clone", "clone3", "fork", "vfork")
    for start in (threading.Thread(target=work).start, os.fork):
        try:
            start()
        except (RuntimeError, OSError) as problem:
            print(type(problem).__name__)
    flush()
    print(work())


def refused(*names: str) -> None:
    """The kernel refuses a call that tracing makes: a sandbox."""
    refuse(*names)
    settled()
    for _ in range(10):
        work()
    flush()
    print(work())


def refuse(*names: str) -> None:
    """Have the kernel refuse calls with EPERM from now on; nothing where it cannot."""
    numbers = CALLS | {"clone": 56, "fork": 57, "vfork": 58}
    # Threads need clone with CLONE_THREAD alone; a filter that knows flags would be longer.
    words = [(LOAD, 0, 0, 0)]
    for name in names:
        words += [(JUMP_IF_EQUAL, 0, 1, numbers[name]), (RETURN, 0, 0, REFUSE | EPERM)]
    words.append((RETURN, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *word) for word in words))
    program = struct.pack("HxxxxxxQ", len(words), ctypes.addressof(code))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if os.uname().machine != "x86_64":
        return
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if prctl(PR_SET_SECCOMP, FILTER, ctypes.c_char_p(program), 0, 0):
        print("no filter", ctypes.get_errno(), file=sys.stderr)


def small_stack() -> None:
    """Threads with the smallest stacks, more of them than cores."""
    settled()
    threading.stack_size(64 * 1024)
    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flush()
    print(threading.stack_size())


def limits_kept() -> None:
    """No limit of the process is changed."""
    names = sorted(name for name in dir(resource) if name.startswith("RLIMIT_"))

    def read() -> list:
        return [resource.getrlimit(getattr(resource, name)) for name in names]

    before = read()
    settled()
    print(read() == before, in_child(lambda: os._exit(read() != before)))


if __name__ == "__main__":
    main(
        file_size,
        no_file_at_all,
        memory,
        no_threads,
        no_threads_any_more,
        refused,
        small_stack,
        limits_kept,
    )
