"""The dispatcher: a bridge between carriers; it has no thoughts."""

from roottrading.services.dispatcher.verdicts_to_kafka import Dispatcher, forward

__all__ = ["Dispatcher", "forward"]
