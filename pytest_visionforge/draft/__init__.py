"""A first plan, drafted from a live database: facts of every table, and rules that hold there today."""

from pytest_visionforge.draft.address import Written, written
from pytest_visionforge.draft.draft import Draft, draft
from pytest_visionforge.draft.page import page

__all__ = ["Draft", "Written", "draft", "page", "written"]
