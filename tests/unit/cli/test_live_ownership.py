"""One database, one deployment on one account of one exchange; and simulated money never beside real."""

import pytest
from msgspec.structs import replace

from roottrading.cli.errors import CommandError
from roottrading.cli.live_ownership import check_account, check_owner, check_real, check_simulated, name_of, owner
from roottrading.config.settings import Settings

WHERE = "postgresql://here/books"


def called(name: str) -> Settings:
    settings = Settings()
    return replace(settings, account=replace(settings.account, deployment=name))


OURS = owner(called("alpha"), "http://127.0.0.1:8080/")
FOUND = {**OURS, "account": "354937868"}


def test_what_was_confirmed_is_ours() -> None:
    assert OURS == {"deployment": "alpha", "quote_asset": "USDT", "exchange": "http://127.0.0.1:8080"}
    check_owner(FOUND, OURS, WHERE)
    check_account(FOUND, "354937868", WHERE)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"deployment": "beta"}, "deployment is beta there and alpha here; nothing was sent"),
        ({"exchange": "binance"}, "exchange is binance there and http://127.0.0.1:8080 here"),
        ({"quote_asset": "FDUSD"}, "quote_asset is FDUSD there and USDT here"),
    ],
)
def test_anothers_is_refused(changed: dict[str, str], words: str) -> None:
    with pytest.raises(CommandError, match=f"^{WHERE} belongs to another deployment: .*{words}"):
        check_owner({**FOUND, **changed}, OURS, WHERE)


def test_simulated_money_is_refused() -> None:
    simulated = {"deployment": "alpha", "quote_asset": "USDT"}
    with pytest.raises(CommandError, match=r"is of simulated money \(deployment alpha\)"):
        check_owner(simulated, OURS, WHERE)
    check_real({}, WHERE)
    check_simulated(simulated, WHERE)


def test_simulated_money_is_not_traded_beside_real() -> None:
    check_simulated({}, WHERE)
    with pytest.raises(CommandError, match=r"of real orders \(deployment alpha on http.*\): name another database"):
        check_simulated(FOUND, WHERE)


def test_another_accounts_key_is_refused() -> None:
    with pytest.raises(CommandError, match=f"the key is of account 7, and {WHERE} has the books of account 354937868"):
        check_account(FOUND, "7", WHERE)


def test_the_name_is_the_settings_or_the_databases() -> None:
    assert name_of(Settings(), {}) is None
    assert name_of(Settings(), FOUND) == "alpha"
    assert name_of(called("beta"), FOUND) == "beta"
    assert name_of(called("beta"), {}) == "beta"
