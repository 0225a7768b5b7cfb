"""Composition root: settings, command line, embedded Redis, processes."""
