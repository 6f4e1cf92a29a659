"""What learners that follow a gradient share: steps, likelihoods, inputs made standard, where to begin."""
