#!/usr/bin/env bash
# Builds helm, kubectl and kubeconform into a folder.
# usage: build.sh FOLDER
set -euo pipefail

out=$(mkdir -p "${1:?usage: build.sh FOLDER}" && cd "$1" && pwd)
cd "$(dirname "$0")"
version() { go list -m -f '{{.Version}}' "$1"; }

helm=helm.sh/helm/v4
go build -trimpath -ldflags "-s -w -X $helm/internal/version.version=$(version $helm)" -o "$out/helm" $helm/cmd/helm

kubernetes=$(version k8s.io/kubectl)
info=k8s.io/component-base/version
go build -trimpath -ldflags "-s -w -X $info.gitVersion=v1.${kubernetes#v0.}" -o "$out/kubectl" ./kubectl

kubeconform=github.com/yannh/kubeconform/cmd/kubeconform
go build -trimpath -ldflags "-s -w -X main.version=$(version github.com/yannh/kubeconform)" -o "$out/kubeconform" $kubeconform
