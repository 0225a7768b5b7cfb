"""Callbacks on their way out: to addresses that tenants choose, and that are therefore not to be trusted."""
