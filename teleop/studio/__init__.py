"""What a session is made of: rules and phases, what it has lived through, labels, questions, the desk, going back."""
