"""Errors as a person reads them: what went wrong, and the exit code."""

from collections.abc import Iterator
from typing import Final

# Packages that the core does without, and the extra that brings them.
EXTRAS: Final = {
    "aiohttp": "exchange",
    "alembic": "postgres",
    "asyncpg": "postgres",
    "confluent_kafka": "kafka",
    "cryptography": "exchange",
    "polars": "parquet",
    "prometheus_client": "distributed",
    "redis": "redis",
}

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130


class CommandError(Exception):
    """A command's options do not go together; the text says why, and what to do."""


def exit_code(error: BaseException) -> int:
    """Return the exit code of a command that ended with this error."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    # by name: --help and --version do without the configuration, whose import takes time
    return WRONG_USAGE if type(error).__name__ in {"ConfigError", "CommandError"} else FAILED


def explain(error: BaseException) -> Iterator[str]:
    """Yield the lines to print: our own errors say all there is, others say that they were not foreseen."""
    if isinstance(error, KeyboardInterrupt):
        yield "interrupted"
        return
    name = type(error).__name__
    if type(error).__module__.partition(".")[0] == "roottrading":
        for line in str(error).splitlines() or [name]:
            yield f"error: {line}"
    elif isinstance(error, ModuleNotFoundError) and error.name in EXTRAS:
        yield f"error: this needs the package {error.name}: pip install 'roottrading[{EXTRAS[error.name]}]'"
    elif isinstance(error, OSError):
        yield f"error: {error.filename or name}: {error.strerror or error}"
    else:
        yield f"error: {name}: {error} (this was not foreseen: --debug shows where)"
