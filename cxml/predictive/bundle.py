"""The bundle: a directory of LightGBM text and JSON with a hash of every file; nothing in it executes on load."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cxml.errors import BundleError
from cxml.predictive.customer_value import CustomerValue
from cxml.predictive.encoding import Encoding
from cxml.predictive.heads import Heads
from cxml.predictive.health import HealthWeights
from cxml.predictive.uplift.effect import Effect

FORMAT_VERSION: Final = 4
_MANIFEST: Final = "manifest.json"
_MODEL: Final = "model.json"
_FEATURES: Final = "features.json"
_POLICY: Final = "policy.json"
_EVALUATION: Final = "evaluation.json"
_VALUE: Final = "value"

Json = dict[str, Any]


@dataclass(frozen=True)
class Model:
    """One model of a bundle: its heads with their members, for which rows it speaks, and what it was asked.

    ``applies`` is a condition tree over the features; None means that it speaks for every row. ``question`` is what its
    label asked, as JSON.
    """

    heads: Heads
    applies: list[Any] | None = None
    question: Json | None = None


@dataclass(frozen=True)
class ValueModel:
    """The model of what customers bring; ``applies`` and ``question`` are those of `Model`."""

    members: CustomerValue
    applies: list[Any] | None = None
    question: Json | None = None


@dataclass(frozen=True)
class Bundle:
    """Everything that scoring needs, and nothing that executes.

    ``features`` are the definitions that `cxml.descriptive` computes, ``profiles`` the training quantiles of the number
    features, ``value`` the tree of the value expression, ``value_model`` what tells the value in its place, ``policy``
    the compiled policy as JSON, ``evaluation`` the measures of each model, ``effects`` what each action was found to
    change, those with too little evidence among them.
    """

    company: str
    currency: str
    encoding: Encoding
    features: tuple[Json, ...]
    profiles: Mapping[str, tuple[float, ...]]
    models: Mapping[str, Model]
    health: HealthWeights
    value: list[Any] | None
    policy: Json | None
    evaluation: Json
    model_version: str = ""
    value_model: ValueModel | None = None
    effects: tuple[Effect, ...] = ()


def writable_bundle(path: str | Path) -> Path:
    """Return a path at which a bundle can be saved, or raise `BundleError`, before any work is done."""
    path = Path(path)
    if file := next((folder for folder in path.parents if folder.is_file()), None):
        raise BundleError(f"{path}: cannot be written, for {file} is a file. Name a folder for the models.")
    if path.exists() and not (path / _MANIFEST).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise BundleError(f"{path}: is not a bundle and will not be overwritten. Name another path.")
    return path


def save_bundle(bundle: Bundle, path: str | Path) -> str:
    """Write a bundle; whatever stood at ``path`` is replaced only when the new one is whole.

    Returns
    -------
    str
        The model version: a hash of everything but policy and evaluation.

    Raises
    ------
    BundleError
        If ``path`` holds something that is not a bundle, or cannot be written.
    """
    path = writable_bundle(path)
    files = {
        _forest(name, forest): text
        for name, model in sorted(bundle.models.items())
        for forest, text in sorted(model.heads.forests.items())
    }
    valued = bundle.value_model
    if valued is not None:
        files |= {_forest(_VALUE, forest): text for forest, text in sorted(valued.members.forests.items())}
    for i, effect in enumerate(bundle.effects):
        files |= {_forest(_effect(i), forest): text for forest, text in sorted(effect.forests.items())}
    files[_FEATURES] = _encoded(
        {
            "definitions": list(bundle.features),
            "names": list(bundle.encoding.names),
            "levels": {name: list(levels) for name, levels in bundle.encoding.levels.items()},
            "profiles": {name: list(quantiles) for name, quantiles in bundle.profiles.items()},
        }
    )
    files[_MODEL] = _encoded(
        {
            "company": bundle.company,
            "currency": bundle.currency,
            "models": {
                name: {**model.heads.to_json(), "applies": model.applies, "question": model.question}
                for name, model in sorted(bundle.models.items())
            },
            "health": {"renewal": bundle.health.renewal, "advocacy": bundle.health.advocacy},
            "value": bundle.value,
            "value_model": valued
            and {**valued.members.to_json(), "applies": valued.applies, "question": valued.question},
            "effects": [effect.to_json() for effect in bundle.effects],
        }
    )
    model_version = _digest("".join(f"{name}{_digest(data)}" for name, data in sorted(files.items())).encode())[:12]
    if bundle.policy is not None:
        files[_POLICY] = _encoded(bundle.policy)
    files[_EVALUATION] = _encoded(bundle.evaluation)
    manifest = {
        "format_version": FORMAT_VERSION,
        "model_version": model_version,
        "files": {name: _digest(data) for name, data in sorted(files.items())},
    }
    files[_MANIFEST] = _encoded({**manifest, "manifest_sha256": _digest(_encoded(manifest))})
    _replace(path, files)
    return model_version


def read_bundle(path: str | Path) -> Bundle:
    """Read a bundle and check every byte of it against the manifest before anything is parsed.

    Raises
    ------
    BundleError
        If a file is missing or altered, or the bundle is of another format version; it names the file.
    """
    path = Path(path)
    manifest = _manifest(path)
    files = {}
    for name, digest in manifest["files"].items():
        if Path(name).name != name or name in ("", ".", ".."):
            raise BundleError(f"{path / _MANIFEST}: names a file outside the bundle, {name!r}. Train again.")
        files[name] = _read(path / name)
        if _digest(files[name]) != digest:
            raise BundleError(
                f"{path / name}: was altered: its SHA-256 is not that of the manifest. Copy the bundle again."
            )
    for name in (_FEATURES, _MODEL, _EVALUATION):
        if name not in files:
            raise BundleError(
                f"{path / name}: is not in the manifest; the bundle is incomplete. Copy or train it again."
            )
    features, model = json.loads(files[_FEATURES]), json.loads(files[_MODEL])
    valued = model["value_model"]
    effects = [(_effect(i), written) for i, written in enumerate(model["effects"])]
    for name, written in [*model["models"].items(), *([(_VALUE, valued)] if valued else []), *effects]:
        for forest in written["forests"]:
            if _forest(name, forest) not in files:
                raise BundleError(
                    f"{path / _forest(name, forest)}: is not in the manifest; the bundle is incomplete. "
                    f"Copy or train it again."
                )
    return Bundle(
        company=model["company"],
        currency=model["currency"],
        encoding=Encoding(tuple(features["names"]), {name: tuple(found) for name, found in features["levels"].items()}),
        features=tuple(features["definitions"]),
        profiles={name: tuple(quantiles) for name, quantiles in features["profiles"].items()},
        models={
            name: Model(
                Heads.from_json(written, {forest: files[_forest(name, forest)] for forest in written["forests"]}),
                written["applies"],
                written["question"],
            )
            for name, written in model["models"].items()
        },
        health=HealthWeights(**model["health"]),
        value=model["value"],
        policy=json.loads(files[_POLICY]) if _POLICY in files else None,
        evaluation=json.loads(files[_EVALUATION]),
        model_version=manifest["model_version"],
        value_model=valued
        and ValueModel(
            CustomerValue.from_json(valued, {forest: files[_forest(_VALUE, forest)] for forest in valued["forests"]}),
            valued["applies"],
            valued["question"],
        ),
        effects=tuple(
            Effect.from_json(written, {forest: files[_forest(name, forest)] for forest in written["forests"]})
            for name, written in effects
        ),
    )


def _forest(model: str, forest: str) -> str:
    """Return the name of the file of a forest."""
    return f"{model}.{forest}.txt"


def _effect(place: int) -> str:
    """Return how the files of an effect are called: by its place, for the action may bear any name."""
    return f"effect{place}"


def _manifest(path: Path) -> Json:
    file = path / _MANIFEST
    if not path.exists():
        raise BundleError(f"{path}: there is no bundle. Run `cxml train` first, or give its path.")
    data = _read(file)
    try:
        manifest = json.loads(data)
        if manifest["format_version"] != FORMAT_VERSION:
            raise BundleError(
                f"{file}: is of format version {manifest['format_version']!r}; this cxml reads {FORMAT_VERSION}. "
                f"Train again, or install the cxml that wrote it."
            )
        digest = manifest.pop("manifest_sha256")
        whole = _digest(_encoded(manifest)) == digest and isinstance(manifest["files"], dict)
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise BundleError(f"{file}: was altered: it is not what cxml wrote. Copy the bundle again.")
    return manifest  # type: ignore[no-any-return]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise BundleError(f"{file}: is missing; the bundle is incomplete. Copy or train it again.") from None
    except OSError as error:
        raise BundleError(f"{file}: cannot be read ({error.strerror}).") from None


def _replace(path: Path, files: Mapping[str, bytes]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise BundleError(f"{path}: cannot be written ({error.strerror}). Name a path that can.") from None
    try:
        for name, data in files.items():
            (written / name).write_bytes(data)
        written.chmod(0o755)
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
            path.replace(old / path.name)
            try:
                written.replace(path)
            except BaseException:
                (old / path.name).replace(path)
                raise
            finally:
                shutil.rmtree(old, ignore_errors=True)
        else:
            written.replace(path)
    except OSError as error:
        raise BundleError(f"{path}: cannot be written ({error.strerror}).") from None
    finally:
        shutil.rmtree(written, ignore_errors=True)


def _encoded(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
