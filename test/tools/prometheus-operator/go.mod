// Pins the Prometheus operator for its definitions of ServiceMonitor and PrometheusRule; nothing of it is built.
module example.com/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
