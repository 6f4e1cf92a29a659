"""How well do ways of teaching teach? A simulated person presses the keys of real sessions; see docs/teaching.md."""
