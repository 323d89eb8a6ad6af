"""Who may see a key: only what signs with it. Services never do; of the connections only the account's."""

import ast
from pathlib import Path

import roottrading
from roottrading.pipeline import ROLES

PACKAGE = Path(roottrading.__file__).parent
SECRETS = "roottrading.config.secrets"
SIGNING = "roottrading.adapters.exchange.binance.signing"
ACCOUNT = "adapters/exchange/binance/"  # the link to the account; the market's streams below it have no key
OPENS_LINKS = {"cli", "operations", "runtimes"}  # the layers that hand a key on to the link
WORDS = {"credentials", "secret", "api_key", "password"}


def modules_that_import(wanted: str, *names: str) -> set[str]:
    """Return the modules that import it; with `names` only where one of these is taken from it."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            whole = isinstance(node, ast.Import) and any(alias.name.startswith(wanted) for alias in node.names)
            part = isinstance(node, ast.ImportFrom) and (node.module or "").startswith(wanted)
            taken = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
            if whole or (part and (not names or taken & set(names))):
                found.add(path.relative_to(PACKAGE).as_posix())
    return found


def test_the_account_key_is_read_at_the_command_line_only() -> None:
    readers = modules_that_import(SECRETS, "exchange_key", "own_key", "ExchangeKey")
    assert {name.partition("/")[0] for name in readers} == {"cli"}


def test_what_signs_is_held_by_the_accounts_link_and_who_opens_it() -> None:
    held = modules_that_import(SIGNING)
    others = {name for name in held if not name.startswith(ACCOUNT)}
    assert {name.partition("/")[0] for name in others} <= OPENS_LINKS
    assert not any("market" in name or name.startswith(f"{ACCOUNT}streams/") for name in held)
    assert f"{ACCOUNT}rest.py" in held


def test_no_service_has_a_word_for_a_key() -> None:
    for path in (PACKAGE / "services").rglob("*.py"):
        names = {
            name.lower()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for name in (getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "arg", "") or "")
        }
        assert not names & WORDS, path


def test_trader_and_portfolio_alone_are_given_one() -> None:
    assert {role.name: role.keys for role in ROLES if role.keys != "none"} == {"trader": "trade", "portfolio": "read"}
