"""Where students are taught beside a session: a process of its own, what it learns from, who keeps it alive."""
