#!/usr/bin/env bash
# Makes what tests of charts, manifests and workflows need: helm, kubectl, kubeconform, check-rules (the check of
# Prometheus on alerting rules), actionlint, and the Prometheus operator's definitions of its kinds.
# usage: build.sh FOLDER
set -euo pipefail
# No debug data: making it takes a fifth of the time, and the linker would leave it out.
export GOFLAGS="${GOFLAGS:-} -gcflags=all=-dwarf=false"

out=$(mkdir -p "${1:?usage: build.sh FOLDER}" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
version() { go list -m -f '{{.Version}}' "$1"; }
# build NAME PACKAGE [LINKER FLAGS]
build() { go build -trimpath -ldflags "-s -w ${3:-}" -o "$out/$1" "$2"; }

# With empty caches these two take most of the time, together with what they share.
cd "$here"
helm=helm.sh/helm/v4
build helm $helm/cmd/helm "-X $helm/internal/version.version=$(version $helm)"
kubernetes=$(version k8s.io/kubectl)
build kubectl ./kubectl "-X k8s.io/component-base/version.gitVersion=v1.${kubernetes#v0.}"
build kubeconform github.com/yannh/kubeconform/cmd/kubeconform

cd "$here/check-rules"
build check-rules .

cd "$here/actionlint"
build actionlint github.com/rhysd/actionlint/cmd/actionlint

cd "$here/prometheus-operator"
go mod download github.com/prometheus-operator/prometheus-operator
definitions=$(go list -m -f '{{.Dir}}' github.com/prometheus-operator/prometheus-operator)/example/prometheus-operator-crd
for kind in servicemonitors prometheusrules; do
  install -m 644 "$definitions/monitoring.coreos.com_$kind.yaml" "$out/$kind.yaml"
done
