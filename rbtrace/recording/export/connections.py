"""HTTP connections of exporters, whose descriptors are not in the program's way.

A program that becomes a daemon may close every descriptor it does not know of, one after the other,
and open files of its own under their numbers. A socket of ours with such a number would then write
to the program's file, or close it. So sockets get high numbers, which files of the program do not
have, and requests read no files.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from rbtrace.system import high_socket

if TYPE_CHECKING:
    from requests import PreparedRequest

_ADDRESSES: Final = {"localhost": ("127.0.0.1", "::1")}
"""Resolving a name reads files."""


def session() -> Session:
    """A session of requests with such sockets."""
    made = Session()
    made.auth = _no_credentials  # or requests looks for a file of them before each request
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter())
    return made


def _no_credentials(request: PreparedRequest) -> PreparedRequest:
    return request


def _connect(connection: HTTPConnection) -> socket.socket:
    """What urllib3 does to connect, with a socket of a high number."""
    host = connection._dns_host
    try:
        addresses = [
            address
            for name in _ADDRESSES.get(host, (host.strip("[]"),))
            for address in socket.getaddrinfo(name, connection.port, type=socket.SOCK_STREAM)
        ]
    except socket.gaierror as problem:
        raise NameResolutionError(host, connection, problem) from problem
    last: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in addresses:
        try:
            return _connected(connection, high_socket(family, kind, protocol), address)
        except OSError as problem:
            last = problem
    if isinstance(last, TimeoutError):
        text = f"{host} does not answer within {connection.timeout} s"
        raise ConnectTimeoutError(connection, text) from last
    raise NewConnectionError(connection, f"{host}: {last}") from last


def _connected(connection: HTTPConnection, new: socket.socket, address: Any) -> socket.socket:
    try:
        for option in connection.socket_options or ():
            new.setsockopt(*option)
        if connection.timeout is None or isinstance(connection.timeout, int | float):
            new.settimeout(connection.timeout)
        new.connect(address)
    except BaseException:
        new.close()
        raise
    return new


class _Connection(HTTPConnection):
    _new_conn = _connect


class _SecureConnection(HTTPSConnection):
    _new_conn = _connect


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS: Final = {"http": _Pool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager
