"""Comparing a suspect file with originals that somebody supplied: find, register, compare, answer."""

from .index import OriginalRecord, OriginalsIndex
from .match import Comparer, OriginalsOptions
from .store import index_originals

__all__ = ["Comparer", "OriginalRecord", "OriginalsIndex", "OriginalsOptions", "index_originals"]
