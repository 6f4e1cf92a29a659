"""Parts of behavioural cloning: what the labels are, how they are drawn, and tables written down at once."""
