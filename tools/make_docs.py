"""Write the generated parts of docs/: the reference of settings, and the map drawn from `pipeline.py`.

The schemas of the messages are files of their own.
A part stands between `<!-- generated: NAME -->` and `<!-- end -->`. Called as `make docs`; a test holds it current.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from roottrading.config.document import reference
from roottrading.pipeline import CHANNELS, ROLES, Channel, Role
from tools.message_schemas import FILES, text_of

DOCS: Final = Path(__file__).parents[1] / "docs"
PART: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def picture() -> str:
    """Draw services and channels as a Mermaid flow chart."""
    return "\n".join(["```mermaid", "flowchart LR", *_nodes(), *_arrows(), "```"])


def services() -> str:
    """Return a table of the services."""
    rows = ["| service | what it does | hears | says | keys it writes in Redis | the exchange's keys |"]
    rows.append("|---|---|---|---|---|---|")
    for role in ROLES:
        shown = ", ".join(f"`{key}`" for key in role.redis_keys)
        said = _names(role.produces)
        rows.append(f"| {role.name} | {role.purpose} | {_heard(role)} | {said} | {shown} | {role.keys} |")
    return "\n".join(rows)


def channels() -> str:
    """Return a table of the channels."""
    rows = ["| channel | carrier | a stream per | messages |", "|---|---|---|---|"]
    for channel in CHANNELS:
        bodies = ", ".join(body.__name__ for body in channel.bodies)
        rows.append(f"| `{channel.name}` | {channel.carrier} | {channel.per} | {bodies} |")
    return "\n".join(rows)


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "settings": reference,
    "picture": picture,
    "services": services,
    "channels": channels,
}


def current(text: str) -> str:
    """Return the document with its generated parts as they should be."""
    return PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]().strip()}\n{found[3]}", text)


def _nodes() -> Iterator[str]:
    yield '  market(["market"])'
    yield '  exchange(["exchange"])'
    for role in ROLES:
        yield f'  {role.name}["{role.name.replace("_", " ")}"]'
    for channel in CHANNELS:
        shape = ('[("', '")]') if channel.carrier == "kafka" else ('[/"', '"/]')
        yield f"  {_node(channel)}{shape[0]}{channel.name}{shape[1]}"


def _arrows() -> Iterator[str]:
    yield "  market --> gateway"
    for role in ROLES:
        for channel in role.consumes:
            yield f"  {_node(channel)} --> {role.name}"
        for channel in role.produces:
            yield f"  {role.name} --> {_node(channel)}"
        if role.keys == "trade":
            yield f"  {role.name} <--> exchange"


def _node(channel: Channel) -> str:
    return f"channel{CHANNELS.index(channel)}"


def _heard(role: Role) -> str:
    inputs = [kind.__name__ for kind in role.inputs]
    return ", ".join([*([_names(role.consumes)] if role.consumes else []), *inputs])


def _names(found: tuple[Channel, ...]) -> str:
    return ", ".join(f"`{channel.name}`" for channel in found)


def main() -> None:
    """Rewrite every document that is generated or has generated parts."""
    for name, made in FILES.items():
        path = DOCS / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text_of(made()), encoding="utf-8")
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if current(text) != text:
            path.write_text(current(text), encoding="utf-8")
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
