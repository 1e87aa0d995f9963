# What people do here. `make help` lists it; `make check test` is what a change
# must pass. Every target makes what it needs: Go and make are enough, -race
# needs gcc too.

.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/bash -o pipefail

GO      ?= go
MODULES := . lab tools tools/helm tools/kedatypes tools/observability tools/release tools/terraform
# A small machine shares its cores with what it tests.
JOBS    ?= 2
LINT    := tools/bin/golangci-lint
# The one that is installed, else one built from its Go module.
TERRAFORM := $(or $(shell command -v terraform),tools/bin/terraform)
# Programs that build, FOLDER:PACKAGE=OUTPUT. Without -trimpath, so that they
# share the build cache with the tests: the control plane compiles once.
PROGRAMS := \
	.:./cmd/furl=bin/furl \
	.:./workload/cmd/hpa-example=bin/hpa-example \
	.:./workload/cmd/load=bin/load \
	.:./workload/cmd/sqs-consumer=bin/sqs-consumer \
	.:./workload/cmd/prompt-generator=bin/prompt-generator \
	lab:./cmd/furl-shell=bin/furl-shell \
	lab:./cmd/vllm-openai=bin/vllm-openai \
	lab:./cmd/furl-lab=bin/furl-lab \
	lab:./cmd/furl-karpenter=bin/furl-karpenter \
	lab:k8s.io/kubernetes/cmd/kubectl=bin/kubectl

# What others are given is of a version, the chart's unless VERSION says another.
VERSION  ?= v$(shell sed -n 's/^appVersion: //p' charts/furl/Chart.yaml)
# Programs that are in images, and what furl is released for beside linux.
PACKED   := $(foreach p,cmd/furl workload/cmd/hpa-example workload/cmd/sqs-consumer workload/cmd/prompt-generator,.:./$p=dist/build/{platform}/$(notdir $p))
PLATFORMS ?= darwin/amd64,darwin/arm64,windows/amd64,windows/arm64
PACK     = $(GO) run -C tools/release . -root ../.. -version $(VERSION) -revision "$$(git describe --always --dirty --abbrev=40 --exclude '*' 2>/dev/null)" \
	$(if $(REGISTRY),-registry $(REGISTRY)) $(if $(PUSH),-push)

help: ## Lists the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Builds furl, furl-lab, the workloads and kubectl into bin/.
	@$(GO) run -C tools ./build -from .. $(PROGRAMS)

check: lint tidy generated house ## Formatting, vet, linters, go.mod, generated files, import rules, links: all that reads and does not run.

lint: $(LINT) ## Formats are right and every linter is silent, in all modules.
	@for m in $(MODULES); do \
		echo "lint $$m"; \
		(cd $$m && $(CURDIR)/$(LINT) fmt --config $(CURDIR)/.golangci.yml --diff ./... && \
		$(CURDIR)/$(LINT) run --config $(CURDIR)/.golangci.yml --concurrency $(JOBS) ./...) || exit 1; \
	done

fmt: $(LINT) ## Formats all Go files.
	@for m in $(MODULES); do (cd $$m && $(CURDIR)/$(LINT) fmt --config $(CURDIR)/.golangci.yml ./...) || exit 1; done

tidy: ## go.mod and go.sum say exactly what is used.
	@for m in $(MODULES); do echo "tidy $$m"; $(GO) -C $$m mod tidy -diff || exit 1; done

generated: ## `make generate` changes nothing.
	@.ci/generated

house: ## Import rules, package comments, file lengths, links in the docs.
	@$(GO) test ./internal/arch

generate: ## Writes all that is generated.
	@for m in . lab tools/observability tools/helm; do $(GO) generate -C $$m ./... || exit 1; done

test: $(TERRAFORM) ## Runs every test of every module and sums them in one line.
	@$(GO) run -C tools ./testrun -root .. -serial lab -again lab,tools/helm $(TESTFLAGS)

race: ## The same with the race detector, but for what only drives other processes.
	@$(GO) run -C tools ./testrun -root .. -serial lab -again lab,tools/helm -race \
		-race-without k8s.io/kubernetes/cmd,github.com/furl-dev/furl/lab/labtest,github.com/kedacore/keda/v2,helm.sh/helm/v4/pkg/cmd,github.com/hashicorp/hcl/v2 $(TESTFLAGS)

conformance: ## Runs the records of the HPA controller and of KEDA; CASES=DIR takes another folder of such files.
	@$(GO) run ./conformance/run $(CASES)

bench: ## Runs the benchmarks and says what each figure is; BENCH=REGEXP picks some.
	@$(GO) run -C tools ./bench -root .. $(if $(BENCH),-bench '$(BENCH)') $(BENCHFLAGS)
	@echo
	@echo "How fast Furl reacts is measured in a lab, on a quiet machine, in some minutes each (after make build):"
	@echo "  bin/furl-lab latency --scrape 10s --runs 30   from a step of load to the Scale write"
	@echo "  bin/furl-lab latency --scrape 4s --runs 30    the same with kubelets read each 4 s"
	@echo "docs/benchmarks.md has the figures, the bars and what others need."

FUZZTIME ?= 30s
fuzz: ## Fuzzes each target for FUZZTIME (30s), all that git knows; FUZZ=REGEXP picks some.
	@git grep -l '^func Fuzz' -- '*_test.go' | while read -r file; do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file" | grep -E -e '$(or $(FUZZ),.)'); do \
			echo "fuzz $$(dirname $$file) $$name"; \
			$(GO) test -C "$$(dirname $$file)" -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) . || exit 1; \
		done; \
	done

WALKTHROUGH := examples/pod-autoscaling/hpa
demo: bin/furl-eval ## Shows Furl scale a web server, and a model on GPU nodes by its queue, on a real API server in this terminal.
	@echo "Part 0: what would Furl do? An answer without a cluster, from two files:"
	@echo "furl eval -f $(WALKTHROUGH)/hpa.yaml -f $(WALKTHROUGH)/observation.yaml"; echo
	@bin/furl-eval -f $(WALKTHROUGH)/hpa.yaml -f $(WALKTHROUGH)/observation.yaml
	@echo; echo "Part 1, the same on a cluster, and part 2, from zero on a queue. Building it; the first time takes minutes."
	@$(MAKE) --no-print-directory build
	@bin/furl-lab demo

# The first thing to see must not wait for an optimiser: this takes a third less
# time on a cold cache.
bin/furl-eval: FORCE
	@CGO_ENABLED=0 $(GO) build -v -gcflags='all=-N -l -dwarf=false' -ldflags='-s -w' -o $@ ./cmd/furl-eval 2>&1 | tools/progress

image: ## Builds the container images for amd64 and arm64 into dist/images; REGISTRY=HOST/PATH names them, PUSH=1 pushes them there.
	@rm -rf dist/build
	@$(GO) run -C tools ./build -from .. -version $(VERSION) -platforms linux/amd64,linux/arm64 $(PACKED)
	@$(PACK) images

release: ## Makes everything of a release in dist/release: make release VERSION=v1.2.3
	@rm -rf dist/build
	@$(GO) run -C tools ./build -from .. -version $(VERSION) -platforms linux/amd64,linux/arm64 $(PACKED)
	@$(GO) run -C tools ./build -from .. -version $(VERSION) -platforms $(PLATFORMS) $(firstword $(PACKED))
	@$(PACK) all

clean: ## Removes what was built here.
	rm -rf bin dist tools/bin

$(LINT): tools/go.mod
	@$(GO) run -C tools ./build -from .. tools:github.com/golangci/golangci-lint/v2/cmd/golangci-lint=$@

tools/bin/terraform: tools/terraform/build/main.go
	@$(GO) run -C tools/terraform ./build -out ../bin/terraform

.PHONY: help build check lint fmt tidy generated house generate test race conformance bench fuzz demo image release clean FORCE
