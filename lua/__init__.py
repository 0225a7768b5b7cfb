"""The transactions, run inside Redis. One file is one atomic business operation; see engine.store.scripts."""
