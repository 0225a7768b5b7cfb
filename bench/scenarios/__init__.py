"""The people of a run, one class per scenario."""
