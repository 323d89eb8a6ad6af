"""Errors as a person reads them."""

import tomllib
from pathlib import Path

import pytest

from roottrading.cli.errors import EXTRAS, explain

EXTRA_PACKAGES = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]


@pytest.mark.parametrize(("package", "extra"), EXTRAS.items())
def test_a_package_that_the_core_does_without_is_named_with_its_extra(package: str, extra: str) -> None:
    (line,) = explain(ModuleNotFoundError(f"No module named {package!r}", name=package))
    assert f"pip install 'roottrading[{extra}]'" in line
    assert any(wanted.replace("-", "_").startswith(package) for wanted in EXTRA_PACKAGES[extra])


def test_any_other_missing_module_was_not_foreseen() -> None:
    (line,) = explain(ModuleNotFoundError("No module named 'nowhere'", name="nowhere"))
    assert "not foreseen" in line
