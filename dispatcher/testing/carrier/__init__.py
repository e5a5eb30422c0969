"""The carrier simulator: a pretend provider that keeps a ledger, for tests, the demo and benchmarks."""

from dispatcher.testing.carrier.behaviour import Behaviour, Burst
from dispatcher.testing.carrier.ledger import Ledger
from dispatcher.testing.carrier.options import CarrierOptions
from dispatcher.testing.carrier.process import CarrierProcess

__all__ = ["Behaviour", "Burst", "CarrierOptions", "CarrierProcess", "Ledger"]
