"""The middlewares that lback-core ships, one module each."""
