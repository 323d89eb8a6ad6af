"""Python and packages: old and missing ones are named with what to do."""

from roottrading.operations.doctor.installation import installed_version, needed_packages, packages, python


def test_an_old_python_is_a_problem() -> None:
    assert python((3, 11, 0)).level == "ok"
    assert python((4, 0, 1)).level == "ok"
    old = python((3, 10, 14))
    assert (old.level, old.text, old.advice) == ("problem", "3.10.14", "use Python 3.11 or newer")


def test_packages_are_told_in_one_line_and_what_is_wrong_in_a_line_each() -> None:
    there = {"msgspec": "0.19.0", "numpy": "1.26.4", "TA-Lib": "0.10.1", "aiohttp": "3.12.0rc1"}
    needed = ["msgspec>=0.19", "numpy>=2.0", "TA-Lib>=0.6.5", "aiohttp<4,>=3.11", "cryptography>=43", "rich"]
    found = packages(needed, there.get)
    assert [(each.level, each.text) for each in found] == [
        ("problem", "numpy 1.26.4 is older than 2.0"),
        ("problem", "cryptography is not installed"),
        ("ok", "msgspec 0.19.0, TA-Lib 0.10.1, aiohttp 3.12.0rc1"),
    ]
    assert found[1].advice == "pip install 'cryptography>=43'"


def test_this_installation_is_sound() -> None:
    found = packages(needed_packages(exchange=True), installed_version)
    assert [each.level for each in found] == ["ok"]
    for name in ("msgspec", "numpy", "typer", "aiohttp", "cryptography"):
        assert f"{name} " in found[0].text
    assert installed_version("no-such-package") is None
