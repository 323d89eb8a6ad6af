"""A model of processes around an exchange: queues between them, requests and frames on their way, waves in between."""

from collections import Counter, deque
from random import Random
from typing import Final

from roottrading import pipeline
from roottrading.exchange_server.clock_proof import Exchange, Report, RestProof, listeners

HEARS: Final = {channel: sorted(roles) for channel, roles in listeners().items()}
SAYS: Final = {role.name: [channel.name for channel in role.produces] for role in pipeline.ROLES}
ROLES: Final = tuple(SAYS)

Work = int  # how much still follows of a message


class Process:
    """Works off one thing at a time; what it says is on its way until delivered."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.inbox: deque[tuple[str, str, int, Work]] = deque()  # (kind, stream or source, sequence, work)
        self.sent: Counter[str] = Counter()
        self.seen: dict[str, dict[str, int]] = {}
        self.outbox: list[tuple[str, int, Work]] = []
        self.awaiting: set[str] = set()
        self.frames = 0
        self.asked = 0

    def report(self, *, busy: bool) -> Report:
        return Report(
            self.asked,
            sent=dict(self.sent),
            seen={source: dict(seen) for source, seen in self.seen.items()},
            outbox=len(self.outbox),
            busy=busy,
            awaiting=tuple((0, "X", name) for name in sorted(self.awaiting)),
            frames={self.role: self.frames},
        )


class World:
    """Everything that may be under way, and one step of it at a time, as the dice say."""

    def __init__(self, seed: int, work: int) -> None:
        self.dice = Random(seed)
        self.processes = {role: Process(role) for role in ROLES}
        self.channels: dict[tuple[str, str, str], deque[tuple[int, Work]]] = {}  # (source, stream, hearer)
        self.requests: deque[tuple[str, Work]] = deque()  # on their way to the exchange
        self.held: dict[str, tuple[str, Work]] = {}
        self.replies: deque[tuple[str, str]] = deque()
        self.wire: dict[str, deque[Work]] = {role: deque() for role in ROLES}
        self.written: Counter[str] = Counter()
        self.answers: deque[tuple[str, Report]] = deque()
        self.asked: deque[tuple[str, int]] = deque()
        self.numbers = 0
        names = ("_work", "_deliver", "_read", "_send", "_reply", "_answer", "_arrive")
        self.pace = {name: self.dice.choice((1.0, 1.0, 0.1)) for name in names}
        self.idle_waves = 0
        self.proof = RestProof(dict.fromkeys(ROLES, 1))
        for role in ROLES:
            self.proof.join(role, role)
            self.frame(role, work)

    def frame(self, role: str, work: Work) -> None:
        self.wire[role].append(work)
        self.written[role] += 1

    def under_way(self) -> list[str]:
        """Name all that is not at rest."""
        found = [f"{key}" for key, queue in self.channels.items() if queue]
        found += [f"frames to {role}" for role, queue in self.wire.items() if queue]
        found += ["requests"] * bool(self.requests) + ["replies"] * bool(self.replies)
        found += [f"{process.role} works" for process in self.processes.values() if process.inbox or process.outbox]
        return found

    def exchange(self) -> Exchange:
        return Exchange(dict(self.written), frozenset(self.held))

    def ask(self) -> None:
        wave = self.proof.ask()
        self.asked.extend((role, wave) for role in ROLES)
        self.dice.shuffle(self.asked)

    def step(self) -> None:
        """Let one thing happen that can."""
        possible = [self._work, self._deliver, self._read, self._send, self._reply, self._answer, self._arrive]
        # in every world some things are much slower than others
        possible.sort(key=lambda act: -(self.dice.random() ** (1 / self.pace[act.__name__])))
        for act in possible:
            if act():
                return

    # ---- what can happen

    def _work(self) -> bool:
        ready = [process for process in self.processes.values() if process.inbox or process.outbox]
        if not ready:
            return False
        process = self.dice.choice(ready)
        if process.outbox:
            stream, sequence, work = process.outbox.pop(0)
            for hearer in HEARS[stream.partition("/")[0]]:
                if hearer != process.role:
                    self.channels.setdefault((process.role, stream, hearer), deque()).append((sequence, work))
            return True
        kind, name, sequence, work = process.inbox.popleft()
        if kind == "reply":
            process.awaiting.discard(name)
        elif kind == "frame":
            process.frames += 1
        else:
            process.seen.setdefault(kind, {})[name] = sequence
        self._follow(process, work)
        return True

    def _follow(self, process: Process, work: Work) -> None:
        for _ in range(self.dice.randint(0, 2) if work else 0):
            if process.role == "trader" and self.dice.random() < 0.5:
                self.numbers += 1
                name = f"order{self.numbers}"
                process.awaiting.add(name)
                self.requests.append((name, work - 1))
            else:
                stream = f"{self.dice.choice(SAYS[process.role])}/{self.dice.choice('AB')}"
                process.sent[stream] += 1
                process.outbox.append((stream, process.sent[stream], work - 1))

    def _deliver(self) -> bool:
        full = [key for key, queue in self.channels.items() if queue]
        if not full:
            return False
        source, stream, hearer = key = self.dice.choice(full)
        sequence, work = self.channels[key].popleft()
        self.processes[hearer].inbox.append((source, stream, sequence, work))
        return True

    def _read(self) -> bool:
        full = [role for role in ROLES if self.wire[role]]
        if not full:
            return False
        role = self.dice.choice(full)
        self.processes[role].inbox.append(("frame", role, 0, self.wire[role].popleft()))
        return True

    def _send(self) -> bool:
        if not self.requests:
            return False
        name, work = self.requests.popleft()
        self.held[name] = ("trader", work)
        return True

    def _reply(self) -> bool:
        if not self.replies:
            return False
        role, name = self.replies.popleft()
        self.processes[role].inbox.append(("reply", name, 0, 1))
        return True

    def _answer(self) -> bool:
        if not self.asked:
            return False
        role, wave = self.asked.popleft()
        process = self.processes[role]
        process.asked = wave
        # a patient process waits until it is idle; one that does not says that it is busy
        if process.inbox or process.outbox:
            if self.dice.random() < 0.5:
                self.asked.append((role, wave))
                return self._work()
            self.answers.append((role, process.report(busy=True)))
        else:
            self.answers.append((role, process.report(busy=False)))
        return True

    def _arrive(self) -> bool:
        if not self.answers:
            return False
        self.hear(*self.answers.popleft())
        return True

    def hear(self, role: str, report: Report) -> None:
        """Take a process's counters, where they are taken."""
        self.proof.report(role, report)

    def execute(self) -> None:
        """Carry out what is held, as the exchange does at rest."""
        self.proof.moved()
        for name in sorted(self.held, key=lambda each: self.proof.rank("X", each)):
            role, work = self.held.pop(name)
            self.replies.append((role, name))
            self.frame(role, work)
