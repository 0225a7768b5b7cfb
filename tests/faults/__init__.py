"""Faults under load: real processes are broken while clients are at work, and what they were told is checked."""
