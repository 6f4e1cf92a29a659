"""How each world is drawn: GridWorld and CartPole by painters of their own, any other by its own picture."""
