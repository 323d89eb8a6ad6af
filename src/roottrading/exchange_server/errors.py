"""Errors as Binance says them: an HTTP status, a code and a text."""

from typing import Any, Final

BAD_REQUEST: Final = 400


class ApiError(Exception):
    """A request is refused; nothing of it was done unless `data` says otherwise.

    `data` stands beside code and text (cancelReplace tells both fates in it); `retry_after` is in whole seconds.
    """

    def __init__(
        self, code: int, message: str, status: int = BAD_REQUEST, data: Any = None, retry_after: int | None = None
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """Return what REST answers, and what stands under `error` in the WebSocket API."""
        body: dict[str, Any] = {"code": self.code, "msg": self.message}
        if self.data is not None:
            body["data"] = self.data
        return body


def missing(name: str) -> ApiError:
    """Return the refusal of a request that lacks a parameter."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def malformed(name: str, allowed: str) -> ApiError:
    """Return the refusal of a parameter with characters outside what is legal."""
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{allowed}'.")


def invalid(name: str) -> ApiError:
    """Return the refusal of a parameter whose value makes no sense."""
    return ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")


def not_required(name: str) -> ApiError:
    """Return the refusal of a parameter that must not be there."""
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def bad_symbol() -> ApiError:
    """Return the refusal of a symbol that the exchange does not list."""
    return ApiError(-1121, "Invalid symbol.")
