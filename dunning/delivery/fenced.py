"""HTTP that crosses the fence of a delivery when its request begins, not before.

Looking up the name, connecting and TLS may fail or hang for as long as they like: nothing
has left by then. What `requests` raises does not tell these apart from a lost answer.
"""

import threading
from typing import Any

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from dunning.delivery.fence import Fence

_THIS_DELIVERY = threading.local()  # each delivery has a thread of its own


def guard(session: Session, fence: Fence) -> None:
    """Let this thread's next request over ``session`` cross ``fence``."""
    _THIS_DELIVERY.fence = fence
    if not isinstance(session.get_adapter("https://"), _Adapter):
        session.mount("https://", _Adapter())
        session.mount("http://", _Adapter())


class _Fenced(HTTPConnection):
    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is None:
            self.connect()
        _cross()
        super().request(*args, **options)


class _FencedTls(HTTPSConnection):
    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is None:
            self.connect()
        _cross()
        super().request(*args, **options)


def _cross() -> None:
    fence: Fence = _THIS_DELIVERY.fence
    fence.at("posting")
    fence.cross()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Fenced


class _PoolTls(HTTPSConnectionPool):
    ConnectionCls = _FencedTls


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTls}
