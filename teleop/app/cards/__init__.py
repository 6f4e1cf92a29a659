"""The cards of the side panel, each in a file of its own; `teleop.app.panel` puts them together."""
