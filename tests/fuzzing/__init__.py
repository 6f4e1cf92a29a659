"""Files with chance damage, thousands of them, given to every reader: each is refused in a paragraph or read rightly.

`python -m tests.fuzzing` runs all readers, 10,000 mutations each; the tests run a few of each.
"""
