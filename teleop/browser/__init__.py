"""What is found in recordings, for a terminal, for JSON, and as a page. Read `summary`, `words`, `page`."""
