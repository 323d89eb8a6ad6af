"""The account at one T: what it is worth, and whether that breaches a limit (trading-rules 2.8, 7.3)."""

from typing import Final

from roottrading.domain.time import DAY
from roottrading.messages.service import InstantComplete
from roottrading.services.coordinator import limits
from roottrading.services.coordinator.draft import Draft
from roottrading.services.coordinator.entering import Desk
from roottrading.services.coordinator.leaving import cancel_resting
from roottrading.services.coordinator.ledger import Valuation, value
from roottrading.services.coordinator.setting_aside import set_aside

MIDNIGHT: Final = "midnight"


def judge_account(draft: Draft, desk: Desk, complete: InstantComplete) -> Valuation:
    """Value the account at the closes of T and hold it against the limits; a breach cancels what rests to buy."""
    state, before = draft.state, draft.state.account
    worth = value(state, desk.instruments, complete.closes)
    account = before
    if account.set_aside or not worth.is_whole:
        account = set_aside(state, desk.instruments, complete.closes)
    account, breaches = limits.judge(account, worth.equity, complete.at, complete.highest_equity, desk.settings)
    if account is not before:
        if account.day != before.day and account.day is not None:
            draft.deadlines.append((MIDNIGHT, account.day + DAY))
        draft.put_account(account)
    for subject, text in breaches:
        draft.alert("critical", subject, text, complete.at)
    if breaches:
        cancel_resting(draft, breaches[0][0])
    return worth
