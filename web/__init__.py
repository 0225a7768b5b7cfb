"""What browsers get: scripts, styles, templates of pages, and their words by language; see edge.pages."""
