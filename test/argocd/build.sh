#!/usr/bin/env bash
# Makes what a running Argo CD needs: its two processes that sync (argocd), the programs that they run (kustomize,
# git-verify-wrapper.sh), and the definitions of its kinds.
# usage: build.sh FOLDER
set -euo pipefail
# No debug data: making it takes a fifth of the time, and the linker would leave it out.
export GOFLAGS="${GOFLAGS:-} -gcflags=all=-dwarf=false"

out=$(mkdir -p "${1:?usage: build.sh FOLDER}" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

cd "$here/kustomize"
go build -trimpath -ldflags '-s -w' -o "$out/kustomize" sigs.k8s.io/kustomize/kustomize/v5

cd "$here/argocd"
go build -trimpath -ldflags '-s -w' -o "$out/argocd" .
sources=$(go list -m -f '{{.Dir}}' github.com/argoproj/argo-cd/v3)
install -m 755 "$sources/hack/git-verify-wrapper.sh" "$out"
for kind in application applicationset appproject; do
  install -m 644 "$sources/manifests/crds/$kind-crd.yaml" "$out/$kind.yaml"
done
