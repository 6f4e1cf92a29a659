"""The live world: worlds, people, windows, control. Imports recordings and learners; neither imports this."""
