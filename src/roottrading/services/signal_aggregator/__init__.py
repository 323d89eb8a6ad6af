"""The signal aggregator: weighs the opinions of many strategies into one verdict per symbol and close."""

from roottrading.services.signal_aggregator.settings import AggregatorSettings, LearningSettings
from roottrading.services.signal_aggregator.signals_to_verdicts import SignalAggregator
from roottrading.services.signal_aggregator.state import TABLES
from roottrading.services.signal_aggregator.voting import VotingStrategy

__all__ = ["TABLES", "AggregatorSettings", "LearningSettings", "SignalAggregator", "VotingStrategy"]
