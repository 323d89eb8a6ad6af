"""Threads for a loop's blocking calls that nobody waits for at the end of the process.

A question to a server that does not answer blocks its thread for as long as the library's patience, and the usual
executor would have the process wait for that before it ends.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class LooseThreads(ThreadPoolExecutor):
    """A thread for each call, that ends with it or with the process; for calls that are few and long."""

    def submit(
        self, call: Callable[Parameters, Answer], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[Answer]:
        """Begin it at once."""
        future: Future[Answer] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                answer = call(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(answer)

        threading.Thread(target=work, name="loose", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave what is under way to itself, whoever asks."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)
