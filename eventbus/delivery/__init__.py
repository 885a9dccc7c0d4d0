"""Delivery: a lane per target of a rule, each on its own; what became of each delivery is kept on disk."""

from eventbus.delivery.lanes import Lanes

__all__ = ["Lanes"]
