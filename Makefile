# Every target sets up .venv from nothing: `make demo`, `make test`, `make bench`, `make lint`, `make check`.
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

CHECKS := check-golden check-conformance check-examples check-models check-keras

.PHONY: demo test test-checked check-targets interop interop-serving interop-open-inference interop-ray interop-tfjs interop-tflite check-kubernetes tensorboard tutorials fuzz fuzz-kernels fuzz-models fuzz-files fuzz-calls fuzz-bytes fuzz-serving kills soak mutate coverage bench bench-clusters bench-data bench-errors lint format clean check $(CHECKS)

demo: $(BASE)
	$(BIN)/penstock run examples/demo.py

# A process of tests for each core, up to four; whole files, whose tests share what they set up.
test: lint
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-checked: $(STAMP)  # the tests with every load and store of generated code checked: an hour; ONLY=tests/compiler chooses
	PENSTOCK_CHECKED=1 $(BIN)/python -m pytest -p no:cacheprovider $(or $(ONLY),--ignore=tests/layout)

# Files of every format, written by Penstock and read by TensorFlow, and the other way round; NAMES="checkpoints events" chooses.
INTEROP_VENV := .venv-interop
interop: $(STAMP) $(INTEROP_VENV)/.installed
	$(BIN)/python -m tests.interop $(CURDIR)/$(INTEROP_VENV)/bin/python $(NAMES)

$(INTEROP_VENV)/.installed:
	test -x $(INTEROP_VENV)/bin/python || $(PYTHON) -m venv $(INTEROP_VENV)
	$(INTEROP_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'tensorflow-cpu==2.21.*' tensorboard 'setuptools<81'
	touch $@

# TensorFlow Serving's official client, under TensorFlow, calls our server.
interop-serving: $(STAMP) $(INTEROP_VENV)/.installed
	$(INTEROP_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps tensorflow-serving-api && $(INTEROP_VENV)/bin/python -m pip install --quiet --disable-pip-version-check grpcio
	$(BIN)/python -m tests.interop.serving $(CURDIR)/$(INTEROP_VENV)/bin/python

# Triton's client, which speaks the Open Inference Protocol, calls our server.
OPEN_INFERENCE_VENV := .venv-open-inference
interop-open-inference: $(STAMP)
	test -x $(OPEN_INFERENCE_VENV)/bin/python || $(PYTHON) -m venv $(OPEN_INFERENCE_VENV)
	$(OPEN_INFERENCE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'tritonclient[http,grpc]'
	$(BIN)/python -m tests.interop.open_inference $(CURDIR)/$(OPEN_INFERENCE_VENV)/bin/python

# Our server as a deployment of Ray Serve, on a Ray of this machine.
RAY_VENV := .venv-ray
interop-ray: pyproject.toml
	test -x $(RAY_VENV)/bin/python || $(PYTHON) -m venv $(RAY_VENV)
	$(RAY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[ray,keras]'
	$(RAY_VENV)/bin/python -m tests.interop.ray

# Workers of Ray Train on a Ray of this machine: values, a killed worker, Tune; NAMES="killed" chooses.
.PHONY: interop-ray-train
interop-ray-train: pyproject.toml
	test -x $(RAY_VENV)/bin/python || $(PYTHON) -m venv $(RAY_VENV)
	$(RAY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[ray]'
	$(RAY_VENV)/bin/python -m tests.interop.ray.training $(NAMES)

# The same on a Ray of several nodes, each a network namespace, one of which is killed; takes root. NAMES="elastic" chooses.
.PHONY: interop-ray-nodes
interop-ray-nodes: pyproject.toml
	test -x $(RAY_VENV)/bin/python || $(PYTHON) -m venv $(RAY_VENV)
	$(RAY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[ray]' pytest
	$(RAY_VENV)/bin/python -m tests.interop.ray.nodes $(NAMES)

# TensorFlow.js, in node, runs models that Penstock writes.
TFJS := build/peers/tfjs
interop-tfjs: $(STAMP)
	mkdir -p $(TFJS) && npm install --silent --prefix $(TFJS) @tensorflow/tfjs@4.22.0
	$(BIN)/python -m tests.interop.formats.tfjs $(CURDIR)/$(TFJS) $(MODEL)

# Every builtin op of TFLite beside ai-edge-litert's kernels (NAMES="CONV ADD" chooses), and models of TensorFlow's converter.
TFLITE_VENV := .venv-tflite
interop-tflite: pyproject.toml $(INTEROP_VENV)/.installed
	test -x $(TFLITE_VENV)/bin/python || $(PYTHON) -m venv $(TFLITE_VENV)
	$(TFLITE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[lite,keras]" ai-edge-litert
	$(TFLITE_VENV)/bin/python -m tests.interop.tflite $(NAMES)
	$(TFLITE_VENV)/bin/python -m tests.interop.tflite.written
	$(TFLITE_VENV)/bin/python -m tests.interop.tflite.converted $(CURDIR)/$(INTEROP_VENV)/bin/python

# Eight models through every format and every target, beside ai-edge-litert, ONNX Runtime, TensorFlow.js and QEMU; NAME=unet chooses. It needs node and qemu-user-static.
.PHONY: interop-models
interop-models: pyproject.toml
	test -x $(TFLITE_VENV)/bin/python || $(PYTHON) -m venv $(TFLITE_VENV)
	$(TFLITE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[lite,keras,onnx,aot]" ai-edge-litert onnxruntime pytest
	mkdir -p $(TFJS) && npm install --silent --prefix $(TFJS) @tensorflow/tfjs@4.22.0
	$(TFLITE_VENV)/bin/python -m tests.interop.formats.routes $(CURDIR)/$(TFJS) $(NAME)

# Models built for other processors, under QEMU (qemu-user-static, qemu-system-arm), and libraries for Windows and macOS, which are linked only.
check-targets: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ziglang
	$(BIN)/python -m pytest -rs -p no:cacheprovider tests/aot/emulated.py

# The manifests of packaging/kubernetes, held to Kubernetes' schemas.
KUBERNETES_VENV := .venv-kubernetes
check-kubernetes:
	test -x $(KUBERNETES_VENV)/bin/python || $(PYTHON) -m venv $(KUBERNETES_VENV)
	$(KUBERNETES_VENV)/bin/python -m pip install --quiet --disable-pip-version-check kubernetes-validate
	$(KUBERNETES_VENV)/bin/python tests/interop/kubernetes.py

.PHONY: onnx
onnx: $(STAMP)  # the ONNX standard's own tests, whose results are docs/onnx.md's table; ONLY=conv chooses
	$(BIN)/python tools/gen_onnx_page.py $(if $(ONLY),--only $(ONLY))

# What TensorBoard answers about Penstock's logs and shows of them in Chromium, where that is installed; PICTURES=folder keeps pictures of its pages.
tensorboard: $(STAMP) $(VENV)/.tensorboard
	$(BIN)/python -m pytest -rs tests/interop/board $(if $(PICTURES),--pictures '$(PICTURES)')

# TensorBoard's profile page and the browser's driver.
$(VENV)/.tensorboard: | $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check xprof playwright
	touch $@

# All programs of tests/tutorials, on Penstock; `make tutorials TENSORFLOW=1` on TensorFlow, in an environment of its own.
TENSORFLOW_VENV := .venv-tensorflow
tutorials: $(STAMP) $(if $(TENSORFLOW),$(TENSORFLOW_VENV)/.installed)
	$(BIN)/python -m tests.tutorials $(if $(TENSORFLOW),--tensorflow $(CURDIR)/$(TENSORFLOW_VENV)/bin/python) $(NAMES)

$(TENSORFLOW_VENV)/.installed:
	$(PYTHON) -m venv $(TENSORFLOW_VENV)
	$(TENSORFLOW_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'tensorflow==2.21.*' pandas
	touch $@

fuzz: $(STAMP)  # random programs; SEED=7 runs one and makes it smaller; WAYS=card on an emulated GPU
	$(BIN)/python -m tests.fuzz.programs $(if $(SEED),--seed $(SEED),--minutes $(MINUTES) --workers $(WORKERS) --first $(FIRST)) $(if $(WAYS),--ways $(WAYS))

fuzz-kernels: $(STAMP)  # single operations through odd views, with tails; SEED=7 runs one and makes it smaller; DEVICE=GPU_emulated
	PENSTOCK_CACHE_DIR=none $(if $(DEVICE),PENSTOCK_DEVICE=$(DEVICE) PENSTOCK_TENSOR_FLOAT_32=0) $(BIN)/python -m tests.fuzz.kernels $(if $(SEED),--seed $(SEED),--minutes $(MINUTES) --first $(FIRST))

.PHONY: fuzz-shapes
fuzz-shapes: $(STAMP)  # recorded calls traced for unknown dimensions, with twenty sizes each; NUMBERS=1 computes a number of each from an extent; TENSORFLOW_PYTHON refuses, too; PROGRAMS=1 draws programs, SEED=7 one
	$(if $(PROGRAMS),PENSTOCK_CACHE_DIR=none $(BIN)/python -m tests.fuzz.shapes.programs $(if $(SEED),--seed $(SEED),--minutes $(MINUTES) --workers $(WORKERS) --first $(FIRST)),$(BIN)/python -m tests.fuzz.shapes --minutes $(MINUTES) --first $(FIRST) $(if $(NUMBERS),--numbers) $(if $(ONLY),--only '$(ONLY)'))

fuzz-models: $(STAMP)  # random Keras models; beside TensorFlow's too, if TENSORFLOW_PYTHON names a Python that has it
	$(BIN)/python -m tests.fuzz.models.hunt $(if $(SEED),--seed $(SEED),--minutes $(MINUTES) --first $(FIRST))

.PHONY: cluster-faults
cluster-faults: $(STAMP)  # jobs of four workers that are killed, stopped, cut off, ...; SEED=7 runs one, COUNT=200 of them, KINDS="kill stop" chooses
	$(BIN)/python -m tests.fuzz.clusters $(if $(SEED),--seed $(SEED),--first $(if $(filter file,$(origin FIRST)),0,$(FIRST)) --count $(if $(filter file,$(origin COUNT)),200,$(COUNT))) $(if $(KINDS),--kinds $(KINDS))

.PHONY: snapshot-faults
snapshot-faults: $(STAMP)  # snapshots of the tf.data service whose workers and dispatchers are killed and stopped
	$(BIN)/python -m tests.fuzz.clusters.snapshots $(if $(SEED),--first $(SEED) --count 1,--first $(if $(filter file,$(origin FIRST)),0,$(FIRST)) --count $(if $(filter file,$(origin COUNT)),20,$(COUNT)))

kills: $(STAMP)  # processes killed while they save; COUNT=1000 of them
	$(BIN)/python -m tests.fuzz.kills --count $(COUNT)

# Long runs: nothing may grow, nothing be left; hours, or what COUNT and SCENES="retraces sessions" choose.
soak: $(STAMP)
	$(BIN)/python -m tests.soak $(SCENES) $(if $(filter-out undefined default file,$(origin COUNT)),--count $(COUNT)) $(if $(filter-out undefined default file,$(origin MINUTES)),--minutes $(MINUTES))

fuzz-files: $(STAMP)  # damaged files of every format; CASES=500 of each, ONLY="png checkpoint" chooses
	$(BIN)/python -m tests.fuzz.files --count $(or $(CASES),500) $(if $(ONLY),--only $(ONLY))

# Calls of ops and functions with absurd arguments; SEED=7 ONLY='op Conv2D$$$$' runs one; beside TensorFlow's if TENSORFLOW_PYTHON is given.
fuzz-calls: $(STAMP)
	$(BIN)/python -m tests.fuzz.calls $(if $(SEED),--seed $(SEED),--minutes $(MINUTES)) $(if $(ONLY),--only '$(ONLY)') \
		$(if $(TENSORFLOW_PYTHON),--tensorflow $(TENSORFLOW_PYTHON))

# A server under damaged requests, with slow clients and correct ones beside; then workers that are killed, and versions that change under load.
fuzz-serving: $(STAMP)  # SEED=7 runs one case, WITHIN=1000000 so many, without sockets
	$(BIN)/python -m tests.fuzz.serving $(if $(SEED),--seed $(SEED),$(if $(WITHIN),--within --count $(WITHIN),--minutes $(MINUTES)) --first $(FIRST))
	$(if $(SEED)$(WITHIN),,$(BIN)/python -m tests.fuzz.serving.trials)

# Mutants of the compiler that tests must kill: ONLY="ir/rules" chooses folders, SAMPLE=100 as many of each (docs/testing.md).
mutate: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check coverage
	$(BIN)/python -m tests.mutation $(if $(ONLY),--only $(ONLY)) $(if $(SAMPLE),--sample $(SAMPLE)) --workers $(WORKERS)

# Lines of the engine that tests run (docs/testing.md): all tests, for an hour; CORE=1 those of the engine alone, ONLY="tests/ops" some,
# beside what was measured before; MISSING="ir compiler" shows the lines that none runs.
coverage: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check coverage
	$(BIN)/python tools/coverage_of_engine.py $(if $(CORE),--core) $(if $(ONLY),--only $(ONLY)) $(if $(REPORT),--report) \
		$(if $(MISSING),--missing $(MISSING))

# Damage to bytes that follows the code it reaches; ONLY="csv_line stablehlo" chooses what reads them.
fuzz-bytes: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris
	$(BIN)/python -m tests.fuzz.bytes --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

bench: $(STAMP)
	$(BIN)/python -m compileall -q penstock  # as an installed package is: first steps are measured
	$(BIN)/python bench/run.py $(BENCH)

bench-errors: $(STAMP)  # of every function; beside the libraries' of TENSORFLOW_PYTHON and TORCH_PYTHON
	$(BIN)/python -m pip install --quiet --disable-pip-version-check mpmath
	$(BIN)/python -m bench.errors --page $(if $(TENSORFLOW_PYTHON),--tensorflow $(TENSORFLOW_PYTHON)) $(if $(TORCH_PYTHON),--torch $(TORCH_PYTHON)) $(BENCH)

bench-clusters: $(STAMP)  # two processes of this machine: sums, training, a link of 1 Gb/s (takes root)
	$(BIN)/python bench/clusters.py $(BENCH)

bench-data: $(STAMP)  # input pipelines; beside TensorFlow's too, if TENSORFLOW_PYTHON names a Python that has it
	$(BIN)/python -m bench.data $(if $(TENSORFLOW_PYTHON),--tensorflow $(TENSORFLOW_PYTHON)) $(BENCH)

# Whole suites with every program held to the interpreter (docs/debugging.md): hours; check-golden takes minutes.
check: $(CHECKS)

$(CHECKS): check-%: $(STAMP)
	PYTHONPATH=$(LIBRARIES) $(BIN)/python tools/check_runs.py $*

check-examples: $(LIBRARIES)

# All examples of what TensorFlow is for, in full, with their results and times; beside TensorFlow, if TENSORFLOW_PYTHON names a Python that has it.
# PAGE=1 writes them into docs/examples; NAMES="vision/classification" chooses. They need espeak-ng, npm, and packages in an environment of their own.
.PHONY: examples examples-data
EXAMPLES_VENV := .venv-examples
examples: $(EXAMPLES_VENV)/.installed examples-data
	$(EXAMPLES_VENV)/bin/python -m tests.examples $(if $(TENSORFLOW_PYTHON),--tensorflow $(TENSORFLOW_PYTHON)) $(if $(PAGE),--page) $(NAMES)

examples-data: $(EXAMPLES_VENV)/.installed
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

# What examples/libraries use, without the TensorFlow that some of them ask for.
$(LIBRARIES):
	$(BIN)/python -m pip install --quiet --target $@ requests
	$(BIN)/python -m pip install --quiet --target $@ --no-deps tensorflow-probability tf_keras opt_einsum decorator gast six \
		gpflow check_shapes deprecated wrapt lark multipledispatch tabulate dropstackframe

# The example of a pipeline on all flights, killed, and by Apache Beam and Ray, in an environment of its own.
PIPELINE_VENV := .venv-pipeline
.PHONY: pipeline
pipeline: $(PIPELINE_VENV)/.installed
	$(PIPELINE_VENV)/bin/python examples/pipeline/table.py build/flights
	PYTHONPATH=$(CURDIR) $(PIPELINE_VENV)/bin/python -m penstock run examples/pipeline/run.py --data build/flights --root build/pipeline-all
	PYTHONPATH=$(CURDIR) $(PIPELINE_VENV)/bin/python -m pytest -rs tests/examples/pipeline/whole_runs.py

$(PIPELINE_VENV)/.installed: $(wildcard examples/pipeline/requirements*.txt)
	test -x $(PIPELINE_VENV)/bin/python || $(PYTHON) -m venv $(PIPELINE_VENV)
	$(PIPELINE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[keras]' pytest \
		-r examples/pipeline/requirements.txt -r examples/pipeline/requirements-runners.txt
	touch $@

# The site of docs/ and the API reference in build/site, and the pictures on its pages; a warning is an error.
.PHONY: docs docs-test docs-pictures
docs: $(VENV)/.docs
	$(BIN)/python tools/gen_not_supported.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

docs-test: $(STAMP)  # the programs of all pages; NAMES="tour.md guides/data.md" chooses
	$(BIN)/python -m tests.docs $(NAMES)

docs-pictures: $(STAMP)  # with Chromium, for the picture of a page
	$(BIN)/python -m tools.site.pictures

$(VENV)/.docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Releases and platforms (docs/platforms.md).
.PHONY: wheel matrix processors aarch64 sbom audit

# The wheel and the source archive in dist/, built twice: the same bytes or an error.
wheel: $(UV)
	$(BIN)/python tools/platforms/wheel.py --uv $(UV)

# The distribution that stands for TensorFlow in an environment, for programs and for pip.
.PHONY: stand-in five-minutes
stand-in: wheel
	$(UV) build --quiet --wheel --out-dir dist/tensorflow-on-penstock packaging/tensorflow-on-penstock

# What README.md says, line by line, in a fresh environment, timed; WITH=python3.13 is another Python.
five-minutes: stand-in
	$(BIN)/python -m tests.doors.five_minutes --dist dist $(if $(WITH),--python $(WITH))

# The tests' core against the wheel: every Python that uv finds or fetches, lowest and highest versions of what Penstock needs; writes docs/platforms.md.
# PYTHONS="3.12 /opt/python3.14/bin/python3" chooses.
matrix: wheel
	$(BIN)/python tools/platforms/matrix.py --uv $(UV) --page $(if $(PYTHONS),--pythons $(PYTHONS))

# The tests of generated code with the code for lesser processors, which this one runs.
processors: $(STAMP)
	for cpu in x86-64-v2 x86-64-v3; do \
		PENSTOCK_CPU=$$cpu $(BIN)/python -m pytest tests/native tests/runtime tests/compiler tests/autodiff tests/ops/math || exit 1; \
	done

.PHONY: cuda-kernels cuda-conformance cuda-steps stablehlo-conformance pjrt

# What ptxas says of kernels for NVIDIA's cards: registers, spills, memory; CALLS=1: those of all drawn calls that spill, some
# five minutes an architecture. No card is needed.
cuda-kernels: $(UV)
	$(UV) pip install --python $(BIN)/python --quiet nvidia-cuda-nvcc
	$(BIN)/python -m tools.cuda_kernels $(if $(CALLS),--calls --spilled)

# Drawn calls of every op, compiled for an emulated card: some four minutes.
cuda-conformance: $(STAMP)
	PENSTOCK_DEVICE=GPU_emulated PENSTOCK_TENSOR_FLOAT_32=0 $(BIN)/python -m pytest -q tests/conformance/test_recorded.py -k compiled

# Training steps of the benchmark's five models on an emulated card: some minutes.
cuda-steps: $(STAMP)
	$(BIN)/python -m pytest -q -s tests/devices/cuda/check_steps.py

# The same, exported to StableHLO and compiled by JAX's XLA: three minutes.
stablehlo-conformance: $(STAMP)
	$(BIN)/python -m pytest -q -p tests.formats.stablehlo.on_xla tests/conformance/test_recorded.py -k compiled

# The device of PJRT plugins on XLA's for CPUs, which `lammps-jax-pjrt-cpu` has alone, and the same calls there: three minutes.
PLUGIN := build/pjrt
pjrt: $(UV)
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --target $(PLUGIN) lammps-jax-pjrt-cpu==0.11.2
	export PENSTOCK_PJRT_PLUGIN=$(PLUGIN)/lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so && \
	$(BIN)/python -m pytest -q tests/devices/pjrt && \
	PENSTOCK_DEVICE=PJRT $(BIN)/python -m pytest -q tests/conformance/test_recorded.py -k compiled

# Tests on an emulated ARM processor, from Debian's packages; NAMES="tests/native" chooses, CPU=cortex-a72 is QEMU's name of one.
aarch64: $(UV)
	$(BIN)/python tools/platforms/aarch64.py --uv $(UV) $(if $(CPU),--cpu $(CPU)) $(NAMES)

# What an installation with all extras consists of (CycloneDX), and what is known against it.
INSTALLED := build/installed
sbom: $(INSTALLED)
	$(UV) tool run --from cyclonedx-bom cyclonedx-py environment --output-reproducible --pyproject pyproject.toml --output-file dist/penstock.cdx.json $(INSTALLED)

audit: $(INSTALLED)
	$(UV) pip freeze --python $(INSTALLED) | grep -v '^penstock' >$(INSTALLED)/requirements.txt
	$(UV) tool run pip-audit --strict --no-deps --disable-pip --requirement $(INSTALLED)/requirements.txt

$(INSTALLED): wheel
	$(UV) venv --quiet --clear --python $(BIN)/python $@
	$(UV) pip install --quiet --python $@ "$$(echo dist/*.whl)[all]"
	$(UV) pip check --python $@

$(UV): | $(BASE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What a new user's first target needs, in a minute; tests and tools take much more.
$(BASE): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	touch $(BASE)

$(STAMP): pyproject.toml | $(BASE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) $(INTEROP_VENV) $(TENSORFLOW_VENV) $(EXAMPLES_VENV) $(PIPELINE_VENV) build dist .mypy_cache .ruff_cache .pytest_cache
