# make run       fetch libtorch if needed, build, run the main job (pipelines/ct.yaml)
# make test      all tests              make check    format, lints, documentation, licences
# make bench     benchmarks             make install  PREFIX=DIR: a relocatable installation
# make schema    the JSON schemas that editors complete pipelines from
# make fuzz N=…  damaged files of every format, N random ones of each (fuzz/README.md: cargo-fuzz)
# make libtorch / libtorch-cuda         what the first build fetches / what a GPU needs in addition
# make gpu-kit   what proves a GPU elsewhere with one command: target/recon-gpu-kit.tar.gz
# make nvrtc     the compiler of device kernels alone: tests assemble them with it, without a GPU
# To use another libtorch: make LIBTORCH=/path/to/libtorch ...
CARGO ?= cargo
PREFIX ?= /usr/local
DESTDIR ?=
# One profile for everything: the C++ side of tch is compiled once.
PROFILE := --release
BINARY := target/release/recon
PIPELINE ?= pipelines/ct.yaml

ifdef LIBTORCH
export LIBTORCH
LINKED := $(LIBTORCH)
else
LINKED := $(CURDIR)/.libtorch/2.11.0/link
endif

N ?= 5000

.PHONY: all run build schema test check bench fuzz install libtorch libtorch-cuda nvrtc gpu-kit clean
all: build

libtorch:
ifdef LIBTORCH
	@echo "libtorch: using yours at $(LIBTORCH)" >&2
else
	@tools/fetch-libtorch.sh cpu
endif

libtorch-cuda:
	@tools/fetch-libtorch.sh cuda

gpu-kit: build
	tools/gpu-kit.sh $(BINARY)

nvrtc:
	@tools/fetch-libtorch.sh nvrtc

build: libtorch
	$(CARGO) build $(PROFILE)

# What editors complete the files in pipelines/ from: their first line names it.
schema: build
	$(BINARY) schema > pipelines/pipeline.schema.json
	$(BINARY) schema --batch > pipelines/study.schema.json
	$(BINARY) schema --bench > pipelines/suite.schema.json

run: build
	$(BINARY) run $(PIPELINE)

test: libtorch
	$(CARGO) test $(PROFILE) --no-fail-fast

check: libtorch
	$(CARGO) fmt --check
	$(CARGO) clippy $(PROFILE) --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(PROFILE) --no-deps
	@if ! $(CARGO) deny --version >/dev/null 2>&1; then \
		echo "cargo-deny is not installed: licences and advisories were not checked (cargo install cargo-deny)" >&2; \
	else \
		$(CARGO) deny --log-level error check licenses bans sources || exit 1; \
		if $(CARGO) deny --log-level off fetch db; then $(CARGO) deny --log-level error check --disable-fetch advisories; \
		else echo "the advisory database cannot be reached: advisories were not checked" >&2; fi; \
	fi
	@if $(CARGO) machete --version >/dev/null 2>&1; then $(CARGO) machete; \
	else echo "cargo-machete is not installed: unused dependencies were not looked for (cargo install cargo-machete)" >&2; fi

bench: libtorch
	$(CARGO) bench

fuzz: libtorch
	RECON_DAMAGE=$(N) $(CARGO) test $(PROFILE) --test formats -- damage:: --nocapture

install: build
	tools/install.sh "$(LINKED)" "$(DESTDIR)$(PREFIX)"

clean:
	$(CARGO) clean
