"""`roottrading kafka`: topics that were lost, filled again from the outboxes in PostgreSQL."""

import asyncio
import os

import typer

from roottrading.cli.errors import CommandError
from roottrading.cli.options import ConfigFile, Set, load_settings

app = typer.Typer(help="Fill Kafka again from PostgreSQL.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command()
def rebuild(config: ConfigFile = None, assignments: Set = None) -> None:
    """Make the topics that are not there, and have what nobody took published anew; services go on by themselves.

    For a Kafka that lost its disk or was replaced, and for places that it no longer keeps. It does no harm otherwise.
    """
    from roottrading.config.secrets import KAFKA_URL, postgres_url
    from roottrading.operations.local_servers.addresses import bootstrap_servers
    from roottrading.runtimes.distributed.kafka_rebuild import rebuild_kafka

    settings = load_settings(config, assignments).settings.postgres
    address = os.environ.get(KAFKA_URL)
    if not address:
        raise CommandError(f"{KAFKA_URL}: not set; it names the Kafka of the services")
    try:
        servers = bootstrap_servers(address)
    except ValueError as error:
        raise CommandError(f"{KAFKA_URL}: {error}") from None
    done = asyncio.run(rebuild_kafka(servers, postgres_url(os.environ, settings.url), settings))
    typer.echo(f"topics: {', '.join(done.topics)}")
    for unit, count in done.replaced.messages.items():
        typer.echo(f"{unit} publishes {count} {'message' if count == 1 else 'messages'} anew")
    if done.replaced.carried:
        typer.echo(f"verdicts of {done.replaced.carried} symbols are carried anew")
