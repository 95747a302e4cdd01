"""Descriptors: closed by daemons, counted, passed on, few of them."""

from __future__ import annotations

import fcntl
import os
import resource
import select
import socket
import subprocess
import sys
import tempfile

from common import descriptors, ended, flush, in_child, main, settled, work

ROWS = b"2024-01-02,AAPL,100\n" * 3
ROUNDS = 40


def use_own_files_and_sockets() -> None:
    """Write files and talk through sockets while spans are recorded and flushed."""
    files = [open(f"orders{number}.csv", "w+b", buffering=0) for number in range(12)]
    for file in files:
        file.write(ROWS)
    pairs = [socket.socketpair() for _ in range(12)]
    received = 0
    for number in range(ROUNDS):
        work()
        for ours, _theirs in pairs:
            ours.send(number.to_bytes(4))
        if number % 10 == 0:
            flush()
        for _ours, theirs in pairs:
            theirs.settimeout(5)
            received += int.from_bytes(theirs.recv(4)) == number
    flush()
    print(received, [os.pread(file.fileno(), 1000, 0) == ROWS for file in files])
    for file in files:
        file.close()


def closed_range() -> None:
    """A daemon closes all descriptors and opens files of its own: spans were appended to those."""
    settled()
    os.closerange(3, 256)
    use_own_files_and_sockets()


def closed_one_by_one() -> None:
    """As older daemons do: os.close of every number, errors ignored."""
    settled()
    for number in range(3, 1024):
        try:
            os.close(number)
        except OSError:
            continue
    use_own_files_and_sockets()


def closed_again_and_again() -> None:
    """All descriptors are closed three times over, with work in between."""
    for _ in range(3):
        settled()
        os.closerange(3, 256)
        use_own_files_and_sockets()


def replaced() -> None:
    """Numbers that tracing uses are given to a file of the program's by dup2."""
    settled()
    mine = os.open("mine", os.O_RDWR | os.O_CREAT, 0o644)
    os.write(mine, ROWS)
    for number in range(3, 40):
        if number != mine:
            os.dup2(mine, number)
    for _ in range(ROUNDS):
        work()
    flush()
    print(os.fstat(mine).st_size == len(ROWS))


def daemon() -> None:
    """A daemon as PEP 3143 wants it: double fork, a session, all closed, null streams, umask 0."""
    settled()
    sys.stdout.flush()
    ready, to_us = os.pipe()
    pid = os.fork()
    if not pid:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.dup2(to_us, 3)
        os.closerange(4, 256)
        os.makedirs("daemon")
        os.chdir("daemon")
        os.umask(0)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        use_own_files_and_sockets()
        flush()
        os.write(3, b"done")
        os._exit(0)
    print(ended(pid))
    os.close(to_us)
    print(os.read(ready, 10))


def numbers() -> None:
    """The numbers that open, dup, socket and pipe give are the same."""
    settled()
    with open("one", "w") as one, socket.socket() as two, open("three", "w") as three:
        print(one.fileno(), two.fileno(), three.fileno(), os.dup(1), os.pipe())


def listed() -> None:
    """What is open at a quiet moment, but for the files of traces themselves."""
    settled()
    for number, what in sorted(descriptors().items()):
        print(number if number < 3 else "", what.partition(":")[0])


def inherited() -> None:
    """A child that inherits all descriptors gets none of tracing's."""
    settled()
    code = "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1])"
    child = [sys.executable, "-I", "-S", "-c", code]
    subprocess.run(child, close_fds=False, check=True)
    _, theirs = os.pipe()
    subprocess.run(child, pass_fds=(theirs,), check=True)
    os.spawnv(os.P_WAIT, sys.executable, child)


def socket_activation() -> None:
    """A service that systemd starts finds its socket at number 3, and nothing of tracing there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settled()

        def service() -> None:
            os.dup2(server.fileno(), 3)
            os.closerange(4, 256)
            os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
            listening = socket.socket(fileno=3)
            client = socket.create_connection(listening.getsockname())
            accepted, _ = listening.accept()
            work()
            flush()
            client.sendall(b"question")
            print(accepted.recv(100), listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
            sys.stdout.flush()

        print(in_child(service))


def without_standard_ones() -> None:
    """Numbers 0 to 2 are closed before the first span: nothing of tracing may take them."""
    result = os.dup(1)
    os.closerange(0, 3)
    settled()
    taken = [number for number in range(3) if is_open(number)]
    opened = [os.open(name, os.O_RDWR | os.O_CREAT) for name in ("zero", "one", "two")]
    work()
    flush()
    os.write(result, f"{taken} {opened} {os.stat('two').st_size}\n".encode())
    sys.stdout = sys.stderr = None


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def few() -> None:
    """A limit on open files leaves the program as many as it has untraced, or nearly."""
    settled()
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    opened = []
    try:
        while True:
            opened.append(os.open("full", os.O_RDWR | os.O_CREAT, 0o644))
            if len(opened) % 10 == 0:
                work()
    except OSError as problem:
        print(type(problem).__name__, problem.errno, len(opened) > 40)
    for number in opened:
        os.close(number)
    work()


def none_left() -> None:
    """The first span comes when not one descriptor is left: it may be lost, and nothing raises."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    work()
    flush()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    print(work())


def raised() -> None:
    """More than 1,024 descriptors: select refuses those, so ours must not be in the way."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    many = [os.dup(0) for _ in range(1500)]
    settled()
    for number in many:
        os.close(number)
    ours, theirs = socket.socketpair()
    theirs.send(b"!")
    print(ours.fileno(), len(select.select([ours], [], [], 5)[0]))


def locked() -> None:
    """Locks of files, which closing any descriptor of the file gives up, are kept."""
    settled()
    with open("lock", "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        work()
        flush()

        def try_to_lock() -> None:
            with open("lock", "r+") as again:
                try:
                    fcntl.lockf(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os._exit(0)
                except OSError:
                    os._exit(1)

        print(in_child(try_to_lock))


def temporary() -> None:
    """Anonymous and temporary files, and memory as a file, while spans are flushed."""
    settled()
    with tempfile.TemporaryFile() as file:
        memory = os.memfd_create("mine")
        for _ in range(20):
            file.write(ROWS)
            os.write(memory, ROWS)
            work()
        flush()
        print(file.tell(), os.fstat(memory).st_size)


if __name__ == "__main__":
    main(
        closed_range,
        closed_one_by_one,
        closed_again_and_again,
        replaced,
        daemon,
        numbers,
        listed,
        inherited,
        socket_activation,
        without_standard_ones,
        few,
        none_left,
        raised,
        locked,
        temporary,
    )
