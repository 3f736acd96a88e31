"""The plan: `visionforge.toml` as frozen values; `read` is the door."""

from pytest_visionforge.plan.read import read

__all__ = ["read"]
