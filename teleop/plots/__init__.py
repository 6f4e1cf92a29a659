"""Pictures of what was learned, as PNG. Importing this loads matplotlib: import it where a figure is asked for."""

from teleop.plots.figure import Lesson, PlotError, check, draw

__all__ = ["Lesson", "PlotError", "check", "draw"]
