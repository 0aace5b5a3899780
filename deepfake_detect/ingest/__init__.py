"""The only package that parses suspect bytes: recognise, hash, probe, decode. It never imports torch."""

from .files import find_files
from .limits import Limits
from .opened import OpenMedia, open_media
from .source import Identity, Source, identify

__all__ = ["Identity", "Limits", "OpenMedia", "Source", "find_files", "identify", "open_media"]
