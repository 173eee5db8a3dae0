#!/usr/bin/env bash
# Builds judge into a folder.
# usage: build.sh FOLDER
set -euo pipefail
# No debug data: making it takes a fifth of the time, and the linker would leave it out.
export GOFLAGS="${GOFLAGS:-} -gcflags=all=-dwarf=false"

out=$(mkdir -p "${1:?usage: build.sh FOLDER}" && cd "$1" && pwd)
cd "$(dirname "$0")/judge"
go build -trimpath -ldflags '-s -w' -o "$out/judge" .
