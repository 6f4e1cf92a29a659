"""How each world is drawn: painters of their own for GridWorld and CartPole, its own picture for any other."""
