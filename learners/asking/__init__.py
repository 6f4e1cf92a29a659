"""Parts of DAgger: who drives the next step, when a student asks, and how an expert answers."""
