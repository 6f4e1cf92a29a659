"""The field's formats, both ways: a module each, found by name in `catalogue`."""
