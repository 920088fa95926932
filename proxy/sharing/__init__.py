"""The shells around shared lists: what watches the registry and publishes, what fetches and takes in."""
