"""python tests/interop/kubernetes/schemas/check.py KUBECTL: holds the manifests of packaging/kubernetes to Kubernetes' schemas, alone and as kustomize puts them together.

Run by a Python that has kubernetes-validate; KUBECTL is the command with kustomize.

The kinds of operators are in none of them: pods in them are held to the schemas, the rest to what `operators.py` lists.
"""

import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import yaml
from operators import KINDS, pods

FOLDER = Path(__file__).resolve().parents[4] / "packaging" / "kubernetes"
# The autoscaler's API is in 1.23 and later; the newest of the schemas is tried as well.
VERSIONS = ("1.27", kubernetes_validate.latest_version())
# The base, and a patched copy of it.
KUSTOMIZED = (FOLDER, Path(__file__).parents[1] / "overlay")
# Not kinds of Kubernetes itself.
OTHERS = {"Kustomization"}


def main():
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    files = sorted(path.name for path in FOLDER.glob("*.yaml"))
    count = 0
    for name in files:
        for document in yaml.safe_load_all((FOLDER / name).read_text()):
            if document["kind"] in OTHERS:
                continue
            for version in VERSIONS:
                kubernetes_validate.validate(document, version, strict=True)
            count += 1
    assert set(listed) <= set(files), f"missing: {set(listed) - set(files)}"
    for folder in KUSTOMIZED:
        made = subprocess.run([sys.argv[1], "kustomize", folder], check=True, capture_output=True)
        together = list(yaml.safe_load_all(made.stdout))
        assert len(together) >= len(listed)
        for document in together:
            for version in VERSIONS:
                kubernetes_validate.validate(document, version, strict=True)
            count += 1
    trained = [
        document
        for path in sorted((FOLDER / "training").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]
    assert {(d["apiVersion"], d["kind"]) for d in trained} == set(KINDS)
    for document in trained:
        for pod in pods(document):
            for version in VERSIONS:
                kubernetes_validate.validate(pod, version, strict=True)
            count += 1
    try:
        list(pods({**trained[0], "spec": {"slotPerWorker": 1}}))
        raise AssertionError("any field is taken")
    except ValueError:
        pass
    broken = {"apiVersion": "v1", "kind": "Service", "spec": {"portz": []}}
    try:
        kubernetes_validate.validate(broken, VERSIONS[0], strict=True)
    except kubernetes_validate.ValidationError:
        print(
            f"{count} manifests and templates of pods fit the schemas of Kubernetes {' and '.join(VERSIONS)}."
        )
    else:
        raise AssertionError("the validator takes anything")


if __name__ == "__main__":
    main()
