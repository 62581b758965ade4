"""The cache. It holds limits (wrong passwords, what was noted already), nothing that may not be lost."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class SteadyCache(RedisCache):
    """Redis; while it is away, the memory of this process. People can sign in then, and guessing is still limited."""

    def __init__(self, server: str, params: dict[str, Any]):
        super().__init__(server, params)
        self.own = LocMemCache("while-the-server-is-away", params)


def _steady(name: str) -> Callable[..., Any]:
    def call(self: SteadyCache, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(RedisCache, name)(self, *args, **kwargs)
        except (RedisError, OSError) as error:
            logger.warning("The cache is away, this process uses its own memory: %s", error)
            return getattr(self.own, name)(*args, **kwargs)

    return call


for name in ("add", "get", "set", "touch", "delete", "get_many", "set_many", "delete_many", "has_key", "incr", "clear"):
    setattr(SteadyCache, name, _steady(name))
