"""The doctor asks a real exchange server, which misbehaves on command; every line says what to do."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roottrading.config.secrets import KEY, KEY_FILE, PORTFOLIO_KEY, PORTFOLIO_SECRET, SECRET, SECRET_FILE
from tests.e2e.conftest import Runner
from tests.e2e.test_wire import exchange

HIDDEN = "a-secret-that-nobody-may-see"
PING, TIME, RIGHTS = "GET /api/v3/ping", "GET /api/v3/time", "GET /sapi/v1/account/apiRestrictions"
FOREVER = {"times": 0}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folder = tmp_path_factory.mktemp("exchange")
    accounts = ("--account", f"person:{HIDDEN}", "--account", f"other:{HIDDEN}", "--reader", f"person:sees:{HIDDEN}")
    with exchange(folder, "--symbols", "LTCUSDT", *accounts, "--balance", "USDT=500") as doors:
        yield doors


@pytest.fixture(autouse=True)
def _person(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (KEY_FILE, SECRET_FILE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(KEY, "person")
    monkeypatch.setenv(SECRET, HIDDEN)


def sent(url: str, method: str, body: Any = None) -> None:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=10):
        pass


def examined(roottrading: Runner, *options: str) -> tuple[int, list[dict[str, str]]]:
    printed = roottrading("doctor", "--json", *options)
    assert HIDDEN not in printed.out + printed.err
    told = json.loads(printed.out)
    assert told["healthy"] is (printed.code == 0)
    return printed.code, told["findings"]


def bad(findings: list[dict[str, str]], level: str = "problem") -> list[str]:
    assert all(each["advice"] for each in findings if each["level"] != "ok")
    return [f"{each['check']}: {each['text']}" for each in findings if each["level"] == level]


def test_where_all_is_well(roottrading: Runner, served: tuple[str, str]) -> None:
    code, findings = examined(roottrading, "--exchange", served[0], "--state", "state")
    assert (code, bad(findings)) == (0, [])
    assert bad(findings, "warning") == [
        "key: it works from every address",
        "funds: the account has 500 USDT, account.capital is 10000",
    ]
    printed = roottrading("doctor", "--exchange", served[0])
    assert printed.code == 0
    assert all(line.split()[0] in {"ok", "warning"} for line in printed.out.splitlines())


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (
            {"kind": "refusal", "where": PING, "status": 451, "code": 0},
            "exchange: {} does not serve this place (HTTP 451)",
        ),
        ({"kind": "refusal", "where": PING, "status": 403}, "exchange: {}: its firewall refuses (HTTP 403)"),
        (
            {"kind": "refusal", "where": PING, "status": 418, "code": -1003, "retry_after": 60},
            "exchange: {} takes no more questions from this address (HTTP 418)",
        ),
        ({"kind": "cut", "where": PING}, "exchange: {}: the connection was cut (ServerDisconnectedError)"),
        ({"kind": "refusal", "where": TIME, "status": 500}, "clock: the exchange does not tell its time"),
        ({"kind": "field", "where": RIGHTS, "field": "enableWithdrawals", "value": "true"}, "key: it may withdraw"),
        (
            {"kind": "field", "where": RIGHTS, "field": "enableSpotAndMarginTrading", "value": "false"},
            "key: it may not both read and trade",
        ),
        (
            {"kind": "refusal", "where": RIGHTS, "status": 401, "code": -2015},
            "key: the exchange refuses it (-2015)",
        ),
        (
            {"kind": "field", "where": "GET /api/v3/account", "field": "canTrade", "value": "false"},
            "account: the account may not trade",
        ),
    ],
    ids=lambda given: given["kind"] if isinstance(given, dict) else given.partition(":")[0].replace(" ", "_"),
)
def test_what_is_wrong_is_one_line(
    roottrading: Runner, served: tuple[str, str], fault: dict[str, Any], wanted: str
) -> None:
    url, admin = served
    sent(f"{admin}/faults", "POST", fault | FOREVER)
    try:
        code, findings = examined(roottrading, "--exchange", url)
    finally:
        sent(f"{admin}/faults", "DELETE")
    assert code == 1
    assert wanted.format(url) in bad(findings)


@pytest.mark.parametrize(("milliseconds", "side"), [(5_000, "behind"), (-5_000, "ahead of")])
def test_clocks_that_are_apart(roottrading: Runner, served: tuple[str, str], milliseconds: int, side: str) -> None:
    url, admin = served
    sent(f"{admin}/faults", "POST", {"kind": "drift", "milliseconds": milliseconds})
    try:
        code, findings = examined(roottrading, "--exchange", url)
    finally:
        sent(f"{admin}/faults", "POST", {"kind": "drift", "milliseconds": 0})
    (line,) = bad(findings)
    assert (code, line.startswith("clock: this machine's clock is"), side in line) == (1, True, True)


def test_a_wrong_secret(roottrading: Runner, served: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET, "another")
    code, findings = examined(roottrading, "--exchange", served[0])
    assert code == 1
    assert bad(findings) == ["key: the exchange refuses it (-1022)", "account: the exchange refuses the key (-1022)"]


def test_files_that_others_can_read(
    roottrading: Runner, served: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text(HIDDEN)
    file.chmod(0o644)
    monkeypatch.delenv(SECRET)
    monkeypatch.setenv(SECRET_FILE, str(file))
    code, findings = examined(roottrading, "--exchange", served[0])
    assert (code, bad(findings)) == (1, [f"secret file: others may read or change {file} (mode 0644)"])
    file.chmod(0o600)
    assert examined(roottrading, "--exchange", served[0])[0] == 0


@pytest.mark.parametrize(
    ("key", "secret", "wanted"),
    [
        ("sees", HIDDEN, ["ok it may only read"]),
        ("person", HIDDEN, ["warning it may trade"]),
        ("other", HIDDEN, ["problem it is of another account than the trader's", "warning it may trade"]),
        ("sees", HIDDEN[1:], ["problem the exchange refuses it (-1022)"]),
        ("stranger", HIDDEN, ["problem the exchange refuses it (-2015)"]),
        ("sees", None, ["problem the portfolio has a key only: set ROOTTRADING_PORTFOLIO_SECRET, or "]),
    ],
)
def test_the_portfolio_s_own_key_is_to_read_only(
    roottrading: Runner,
    monkeypatch: pytest.MonkeyPatch,
    served: tuple[str, str],
    key: str,
    secret: str | None,
    wanted: list[str],
) -> None:
    monkeypatch.setenv(PORTFOLIO_KEY, key)
    if secret is not None:
        monkeypatch.setenv(PORTFOLIO_SECRET, secret)
    _, findings = examined(roottrading, "--exchange", served[0])
    found = [f"{each['level']} {each['text']}" for each in findings if each["check"] == "portfolio key"]
    assert len(found) == len(wanted)
    assert all(text.startswith(start) for text, start in zip(found, wanted, strict=True)), found


def test_an_exchange_that_is_not_there(roottrading: Runner) -> None:
    code, findings = examined(roottrading, "--exchange", "http://127.0.0.1:9")
    assert (code, len(bad(findings))) == (1, 1)


def test_settings_that_are_wrong(roottrading: Runner) -> None:
    code, findings = examined(roottrading, "--set", "run.speed=fast", "--set", "nothing=1")
    assert code == 1
    assert [each.partition(" ")[0] for each in bad(findings)] == ["settings:", "settings:"]


def test_a_strategy_that_is_broken_is_a_problem_where_it_is_named(roottrading: Runner) -> None:
    Path("strategies").mkdir()
    Path("strategies/broken.py").write_text("1 / 0\n")
    assert examined(roottrading)[0] == 0
    code, findings = examined(roottrading, "--set", "run.strategies=broken")
    assert (code, len(bad(findings))) == (1, 1)
    assert "broken.py" in bad(findings)[0]


def test_without_an_exchange_the_machine_is_looked_at(roottrading: Runner) -> None:
    code, findings = examined(roottrading)
    assert code == 0
    assert {"python", "packages", "disk", "settings", "ports"} <= {each["check"] for each in findings}
