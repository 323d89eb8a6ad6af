import pytest

from roottrading.config.load import ConfigError, load


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://bot@db/trading",
        "postgres://db",
        "postgresql://bot@db1:5433,db2/trading?sslmode=require",
        "postgresql://bot@/trading?host=/run/postgresql",
    ],
)
def test_an_address_of_the_database_is_taken(address: str) -> None:
    assert load(None, {}, [f"postgres.url={address}"]).settings.postgres.url == address


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://bot:geheim@db/trading",
        "postgresql://bot@db/trading?password=geheim",
        "postgresql://bot@db/trading?sslmode=require&password=geheim",
        "mysql://bot:geheim@db/trading",
    ],
)
def test_a_password_in_it_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(None, {}, [f"postgres.url={address}"])
    assert "is not allowed" in str(refused.value)
    assert "geheim" not in str(refused.value)


def test_the_whole_address_in_the_environment_is_no_setting() -> None:
    found = load(None, {"ROOTTRADING_POSTGRES_URL": "postgresql://bot:geheim@db/trading"}).settings
    assert found.postgres.url is None
