"""Everything that can be asked, in one table."""

from typing import Final

from roottrading.exchange_server import general
from roottrading.exchange_server.endpoint import Endpoint

ENDPOINTS: Final[tuple[Endpoint, ...]] = (*general.ENDPOINTS,)
