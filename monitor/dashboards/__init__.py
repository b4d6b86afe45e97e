"""Grafana dashboards as code: what an engineer on call looks at, from the metrics that driftd exports."""
