"""Files of ours, written in one go: compiled, and as the definition in Python has it."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from rbtrace.files import small_files
from rbtrace.files.small_files import ANY, How, put_file, replace_file
from rbtrace.system import SYSTEM


@pytest.fixture(params=["compiled", "python"], autouse=True)
def either(request, monkeypatch):
    if request.param == "python":
        monkeypatch.setattr(small_files, "SYSTEM", None)
    elif SYSTEM is None:
        pytest.skip("nothing is compiled here")


def test_a_file_is_made_once_and_private_whatever_the_umask(tmp_path):
    before = os.umask(0o777 if small_files.SYSTEM else 0)
    try:
        identity = put_file(tmp_path / "a", How.CREATE, b"one\n")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    present = (tmp_path / "a").stat()
    assert identity == (present.st_dev, present.st_ino)
    with pytest.raises(FileExistsError) as error:
        put_file(tmp_path / "a", How.CREATE, b"two\n")
    assert str(error.value.filename) == str(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"one\n"


def test_only_the_file_that_was_made_is_written_to(tmp_path):
    path = tmp_path / "a"
    identity = put_file(path, How.CREATE, b"one\n")
    assert put_file(path, How.APPEND, b"two\n", identity) == identity
    path.rename(tmp_path / "moved")
    path.write_bytes(b"another's")
    for how in (How.APPEND, How.REPLACE):
        with pytest.raises(OSError, match="Errno") as error:
            put_file(path, how, b"three\n", identity)
        assert error.value.errno == errno.ESTALE
    assert path.read_bytes() == b"another's"
    assert (tmp_path / "moved").read_bytes() == b"one\ntwo\n"


def test_content_is_replaced_in_place_and_cut(tmp_path):
    identity = put_file(tmp_path / "a", How.CREATE, b"a long line\n")
    assert put_file(tmp_path / "a", How.REPLACE, b"short", ANY) == identity
    assert (tmp_path / "a").read_bytes() == b"short"
    put_file(tmp_path / "a", How.REPLACE, b"", identity)
    assert (tmp_path / "a").read_bytes() == b""


def test_links_pipes_and_folders_are_not_written_to(tmp_path):
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        for how in How:
            with pytest.raises(OSError, match="Errno"):
                put_file(tmp_path / name, how, b"x")
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_a_small_file_is_replaced_as_a_whole(tmp_path):
    for content in (b"one", b"two"):
        replace_file(tmp_path / "a", content)
        assert (tmp_path / "a").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    (tmp_path / ".a.new").write_bytes(b"of a writer that was killed")
    replace_file(tmp_path / "a", b"three")
    assert (tmp_path / "a").read_bytes() == b"three"
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "no" / "a", b"x")


def test_on_a_full_disk_nothing_is_left_half_written(tmp_path):
    path = tmp_path / "a"
    identity = put_file(path, How.CREATE, b"one\n")
    with pytest.raises(OSError, match="Errno") as error, limited_to(8):
        put_file(path, How.APPEND, b"too long a line\n", identity)
    assert error.value.errno == errno.EFBIG
    assert path.read_bytes() == b"one\n"
    with pytest.raises(OSError, match="Errno"), limited_to(8):
        put_file(tmp_path / "b", How.CREATE, b"too long a line\n")
    assert not (tmp_path / "b").exists()


class limited_to:  # noqa: N801 - reads as what it does
    """A block in which no file may be longer."""

    def __init__(self, size):
        self._size = size

    def __enter__(self):
        import resource

        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._before[1]))

    def __exit__(self, *_):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
