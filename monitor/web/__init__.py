"""HTTP: metrics, health, reload and the status page, with TLS and basic auth where asked for."""
