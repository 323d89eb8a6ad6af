"""Both event loops: a service takes uvloop's where it is installed, so what it runs has to do with either."""

import asyncio
from collections.abc import Iterator

import pytest
import uvloop


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def either_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a module's tests with the one kind of loop in `asyncio.run`, and then with the other."""
    policy = uvloop.EventLoopPolicy() if request.param == "uvloop" else asyncio.DefaultEventLoopPolicy()
    asyncio.set_event_loop_policy(policy)
    try:
        yield
    finally:
        asyncio.set_event_loop_policy(None)
