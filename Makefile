# Everything goes through npm scripts: they run on the Node 24 that npm brings along in node_modules, so the
# system needs only npm and some Node 20 or later to start it.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
INSTALLED := node_modules/.package-lock.json
RUN := npm run --silent

.PHONY: help install tools demo demo-openstack test test-quick test-long test-argocd test-chart test-image test-openstack image image-parts cli bench bench-memory bench-openstack bench-permits bench-planner bench-scale bench-scale-long kill-all simulate simulate-bugs mutate generate lint clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Install the dependencies, Node 24 among them (only when package-lock.json has changed)
	@echo "The dependencies are installed; Node is $$(node_modules/.bin/node --version)."

# The tools are looked for every time, but never a reason to install again.
$(INSTALLED): package-lock.json | tools
	npm ci --loglevel=error --no-audit --no-fund
	@[[ "$$(node_modules/.bin/node --version)" == v24.* ]] || { \
	  echo "npm did not install the project's Node 24: are install scripts switched off (npm config get ignore-scripts)?" >&2; \
	  rm -f $@; exit 1; }
	@touch $@

tools:
	@command -v node >/dev/null && command -v npm >/dev/null || { \
	  echo "Careen needs npm and Node 20 or later to begin with (it installs the Node 24 that it runs on)." >&2; \
	  echo "Install them from https://nodejs.org or with the system's package manager." >&2; exit 1; }
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || { \
	  echo "Careen needs Node 20 or later to begin with; this is $$(node --version)." >&2; exit 1; }

demo: $(INSTALLED) ## Show a patch run on a real control plane with simulated nodes (KEEP=1 leaves it running)
	@$(RUN) demo

demo-openstack: $(INSTALLED) ## Show a patch run on compute hosts of a real OpenStack with simulated hypervisors (its first time: 4 minutes)
	@$(RUN) demo:openstack

test: $(INSTALLED) ## Run all tests, or some: make test SUITE=unit ARGS='-t "a name"'
	@$(RUN) test -- $(SUITE) $(if $(ARGS),-- $(ARGS))

test-quick: $(INSTALLED) ## Check what needs no server: lint, types, unit tests, some seeds (about a minute)
	@$(RUN) test:quick

test-long: ## Run the tests that take long and find little: 5,000 seeds, kills, the commands of the demo (9 minutes)
	@$(MAKE) test SUITE=long

test-argocd: ## Sync the examples with a running Argo CD, built from its Go modules (its first build: 10 minutes; then 16)
	@$(MAKE) test SUITE=argocd

test-chart: ## Lint, render, install, upgrade and remove the Helm charts, with a real helm on a real control plane
	@$(MAKE) test SUITE=chart

test-image: ## Build image and command line, and run them: in a container, as root or with a podman that needs none
	@$(MAKE) test SUITE=image

test-openstack: ## Run the tests on a real OpenStack with simulated hypervisors, installed for them (its first time: 2 to 4 minutes)
	@$(MAKE) test SUITE=openstack

image: $(INSTALLED) ## Write the operator's image: dist/careen-VERSION.oci.tar (ARCH=amd64 or arm64: only that one)
	@$(RUN) image -- $(if $(ARCH),--arch=$(ARCH)) $(if $(LOCKED),--locked)

image-parts: $(INSTALLED) ## Pin the newest Debian packages and the Node of package.json for the image
	@$(RUN) image:parts

cli: $(INSTALLED) ## Write the command line as one executable file, dist/careen (ARCH=arm64: for another machine)
	@$(RUN) cli -- $(if $(ARCH),--arch=$(ARCH))

bench-memory: $(INSTALLED) ## Measure the operator's memory with 12 and 100 nodes (SIZES='500:5000': nodes and pods)
	@$(RUN) bench:memory -- $(SIZES)

bench: $(INSTALLED) ## Measure a whole run on the simulated adapter, and one pass with up to 10,000 stages behind it
	@$(RUN) bench

bench-openstack: $(INSTALLED) ## Measure strategies on compute hosts of a real OpenStack: requests, and time against one server at a time (7 minutes)
	@$(RUN) bench:openstack

bench-permits: $(INSTALLED) ## Measure permits of one pool, with two processes on a real API server
	@$(RUN) bench:permits

bench-planner: $(INSTALLED) ## Measure the planner on fleets of the VIM, and how it grows
	@$(RUN) bench:planner

bench-scale: $(INSTALLED) ## Measure what a host costs, on a real control plane: N="10 100" hosts, PODS=10 on each; fails when it grew
	@PODS=$(PODS) FLEET=$(FLEET) STRATEGIES=$(STRATEGIES) FINISHED=$(FINISHED) FAULTS=$(FAULTS) COMPARE=$(COMPARE) UPDATE=$(UPDATE) $(RUN) bench:scale -- $(or $(N),10 100)

bench-scale-long: ## The same up to 5,000 hosts, and beside other programs (90 minutes, 8 GB of memory)
	@$(MAKE) bench-scale N="10 100 1000 5000" COMPARE=1

kill-all: $(INSTALLED) ## Kill the operator after every write of a run, and compare how it ends (13 minutes)
	@$(RUN) kill-all

simulate: $(INSTALLED) ## Simulate the operator with faults: new seeds each minute, or SEEDS=1-5000 (VERBOSE=1 shows a timeline)
	@SEEDS=$(SEEDS) VERBOSE=$(VERBOSE) $(RUN) simulate

simulate-bugs: $(INSTALLED) ## Show that the simulator finds known bugs, planted one at a time
	@$(RUN) simulate:bugs

mutate: $(INSTALLED) ## Change the planner's code in every small way, to see whether its tests notice (17 minutes)
	@$(RUN) mutate

generate: $(INSTALLED) ## Write the generated files again
	@$(RUN) generate

lint: $(INSTALLED) ## Check style, import directions, formatting and types
	@$(RUN) lint
	@$(RUN) typecheck

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/careen

clean: ## Remove what was installed and what tests left in this folder
	rm -rf node_modules coverage dist .vitest .stryker
	@if [ -d "$(CACHE)" ]; then \
	  echo "The control plane, the judge, the tools and the OpenStack that were made for tests stay in $(CACHE), as making them takes minutes."; \
	  echo "To remove them too: rm -rf $(CACHE)"; fi
