"""What a person prefers: settings that last, keys, palettes, the look that is in use."""
