"""The kill switch and a person's commands (trading-rules 7.4, 7.5); each use is an event with who and why."""

from typing import Final

from msgspec.structs import replace

from roottrading.domain.time import Time
from roottrading.messages.service import ControlChanged
from roottrading.services.coordinator import abnormal
from roottrading.services.coordinator.draft import Draft
from roottrading.services.coordinator.leaving import cancel_resting, close, may_leave
from roottrading.services.coordinator.limits import resumed

EXIT: Final = "control: exit"
FLATTEN: Final = "control: flatten"
PAUSED: Final = "control: pause"


def on_control(draft: Draft, control: ControlChanged, now: Time) -> None:
    """Take a control row once; none of them removes a stop or keeps a cycle from leaving."""
    account = draft.state.account
    if control.number <= account.control_number:
        return
    account = replace(account, control_number=control.number, state=control.state)
    if control.action == "pause" and not control.symbol:
        account = replace(account, paused=True)
    elif control.action == "resume" and not control.symbol:
        account = resumed(replace(account, paused=False, discrepancy=False))
    draft.put_account(account)
    if control.action == "resume" and not control.symbol:
        abnormal.resumed(draft)
    if control.action == "pause":
        cancel_resting(draft, PAUSED, control.symbol)
    if control.action in {"pause", "resume"} and control.symbol:
        symbol = draft.state.symbol(control.symbol)
        draft.put_symbol(replace(symbol, paused=control.action == "pause"))
    done = ""
    if control.action in {"exit", "flatten"}:
        done = _leave(draft, control)
    subject = " ".join(part for part in (control.action, control.symbol, control.target) if part)
    use = f"{control.who} used {subject} (state {control.state})"
    draft.alert("info", "control", ": ".join(part for part in (use, control.why, done) if part), now, control.symbol)


def _leave(draft: Draft, control: ControlChanged) -> str:
    """Close one cycle or all, by symbol; say how many were asked to leave."""
    asked = 0
    for name in sorted(draft.state.cycles):
        cycle = draft.state.cycles[name]
        if control.action == "exit" and control.target != cycle.id:
            continue
        if may_leave(cycle):
            close(draft, cycle, EXIT if control.action == "exit" else FLATTEN)
            asked += 1
    return f"{asked} of {len(draft.state.cycles)} open cycles asked to leave"
