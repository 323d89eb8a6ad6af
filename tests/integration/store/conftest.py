"""A migrated database for each test, and what is committed in them."""

import asyncio

import pytest

from roottrading.adapters.store.postgres.migrations.migrate import upgrade
from tests.integration.store.samples import SETTINGS


@pytest.fixture
def store_url(postgres_url: str) -> str:
    """A database of its own at the newest revision."""
    asyncio.run(upgrade(postgres_url, SETTINGS))
    return postgres_url
