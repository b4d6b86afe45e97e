"""What the world sees of the models: one immutable snapshot, and its metrics for Prometheus."""
