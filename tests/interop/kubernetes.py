"""python tests/interop/kubernetes.py: holds the manifests of packaging/kubernetes to Kubernetes' schemas. Run by a Python that has kubernetes-validate."""

from pathlib import Path

import kubernetes_validate
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "packaging" / "kubernetes"
# The autoscaler's API is in 1.23 and later; the newest of the schemas is tried as well.
VERSIONS = ("1.27", kubernetes_validate.latest_version())
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
    broken = {"apiVersion": "v1", "kind": "Service", "spec": {"portz": []}}
    try:
        kubernetes_validate.validate(broken, VERSIONS[0], strict=True)
    except kubernetes_validate.ValidationError:
        print(f"{count} manifests fit the schemas of Kubernetes {' and '.join(VERSIONS)}.")
    else:
        raise AssertionError("the validator takes anything")


if __name__ == "__main__":
    main()
