"""Parts of the learners that look for a reward: features, discriminators, weights of paths, tables from experience."""
