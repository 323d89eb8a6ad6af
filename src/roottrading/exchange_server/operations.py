"""Everything that can be asked, in one table."""

from typing import Final

from roottrading.exchange_server import (
    absent,
    account,
    cancel_replace,
    exchange_info,
    general,
    history,
    order_lists,
    sapi,
    trading,
)
from roottrading.exchange_server.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *general.ENDPOINTS,
    *exchange_info.ENDPOINTS,
    *trading.ENDPOINTS,
    *cancel_replace.ENDPOINTS,
    *order_lists.ENDPOINTS,
    *account.ENDPOINTS,
    *history.ENDPOINTS,
    *absent.ENDPOINTS,
    sapi.KEY_RIGHTS,
)
