"""The event loop of a service's process: uvloop's where that is installed (extra `speed`), else Python's own."""

import asyncio
from collections.abc import Callable, Coroutine


def run_until_done(main: Coroutine[object, object, None]) -> None:
    """Run it on a loop of its own, like asyncio.run."""
    with asyncio.Runner(loop_factory=_quicker()) as runner:
        runner.run(main)


def _quicker() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
