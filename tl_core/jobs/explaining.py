"""Why a finished run answered so about one picture: kept in the run's folder, made once.

What is kept lies in ``explain/`` of the run's folder, by the picture's content, and goes with it.
torch is imported when something is to be made.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from tl_core.data.reading import Reading
from tl_core.errors import ConfigError
from tl_core.jobs.embedding import kept_features, normalised
from tl_core.jobs.maps import VERSION, folder_of
from tl_core.jobs.predicting import answer_row
from tl_core.storage import Home, read_json, write_json

if TYPE_CHECKING:
    from tl_core.jobs.loading import Classifier
    from tl_core.jobs.work import Context

__all__ = ["Explainer", "explain", "folder_of"]

NEAR = 6  # training pictures shown
METHODS = ("gradcam", "integrated")


def explain(context: Context) -> dict[str, Any]:
    """Explain the answer about a stored picture: ``run_id``, ``digest``, ``method``, ``target``."""
    spec = context.row.spec
    made = Explainer(context.home, context.engine, str(spec["run_id"]))
    digest = str(spec["digest"])
    return made.of(
        context.home.local_blob(digest),
        digest,
        method=str(spec.get("method", METHODS[0])),
        target=spec.get("target"),
        report=context.progress("Looking at the training pictures", "pictures"),
    )


class Explainer:
    """A finished run's classifier, loaded once, that explains any number of pictures.

    Raises:
        RunNotFoundError: No such run.
        RunStateError: It has no finished result.
    """

    def __init__(self, home: Home, engine: Engine, run_id: str) -> None:
        from tl_core.jobs.loading import load_classifier
        from tl_core.models.groups import layer_groups

        self.home, self.run_id = home, run_id
        self.folder = folder_of(home, run_id)
        self.one: Classifier = load_classifier(home, engine, run_id)
        self.base = _below(self.one)
        self.groups = layer_groups(self.base)
        self.train = self.one.snapshot.part("train")

    def of(
        self,
        source: Path,
        digest: str,
        *,
        method: str = METHODS[0],
        target: str | None = None,
        report: Any = lambda done, total: None,
    ) -> dict[str, Any]:
        """Everything about one picture.

        Args:
            source: The picture's file.
            digest: Of its content; what is kept is kept under it.
            method: "gradcam" or "integrated".
            target: The class that the map is for; None = the one answered.
            report: Told how many training pictures were looked at, of how many.

        Returns:
            ``digest``, ``method``, ``target``, ``top`` (label and probability, most probable
            first), ``photo``, ``heat`` and ``overlay`` (files), ``empty`` (nothing speaks for the
            class), ``gap`` (integrated gradients), ``sanity``, ``neighbours``, ``blocks`` and
            ``seconds``.

        Raises:
            ConfigError: An unknown method or class.
            UnreadableImageError: Not a picture.
            ModelError: Grad-CAM on a network that keeps no map.
        """
        if method not in METHODS:
            raise ConfigError(
                f"There is no method “{method}”.",
                hint=f"Use {' or '.join(METHODS)}.",
                field="method",
            )
        pixels = self._pixels(source)
        image = normalised(self.one, pixels[None])
        top = self._answer(pixels)
        label = target or top[0][0]
        if label not in self.one.classes:
            raise ConfigError(
                f"This run knows no class “{label}”.",
                hint=f"It knows {', '.join(self.one.classes)}.",
                field="target",
            )
        folder = self.folder / digest
        index = self.one.classes.index(label)
        kept = folder / f"{method}-{index}-v{VERSION}.json"
        if kept.is_file():
            return _placed(read_json(kept), folder)
        folder.mkdir(parents=True, exist_ok=True)
        body = {"digest": digest, "method": method, "target": label, "top": top}
        body |= self._heat(pixels, image, index, method, folder)
        body["neighbours"] = self._near(image, digest, report)
        body["blocks"] = self._blocks(pixels, image, folder)
        write_json(kept, body)
        return _placed(body, folder)

    # -- parts -------------------------------------------------------------------------------------

    def _pixels(self, source: Path) -> NDArray[np.uint8]:
        from tl_core.evaluate.predict import seen_pixels

        one = self.one
        reading = Reading.from_dict(one.snapshot.reading)
        resize, channels = one.spec.train.resize, one.card.channels
        return seen_pixels(source, one.size_px, resize, channels, reading)[0]

    def _answer(self, pixels: NDArray[np.uint8]) -> list[list[Any]]:
        from tl_core.evaluate.predict import probabilities

        facts = self.one.card
        shares = probabilities(self.one.model, pixels[None], mean=facts.mean, std=facts.std)
        top: list[list[Any]] = answer_row("", self.one.classes, shares[0], "")["top"]
        return top

    def _heat(
        self, pixels: NDArray[np.uint8], image: Any, index: int, method: str, folder: Path
    ) -> dict[str, Any]:
        from tl_core.explain import drawing, sanity
        from tl_core.explain.heat import heat_map

        begun = time.perf_counter()
        heat = heat_map(self.one.model, self.groups, image, index, method=method)
        seconds = time.perf_counter() - begun

        def again(mixed: Any) -> NDArray[np.float32]:
            return heat_map(mixed, self.groups, image, index, method=method).grid

        checked = sanity.check(self.one.model, again, heat.grid)
        share = drawing.strength(heat.values)
        below, above = drawing.photo(pixels), drawing.coloured(share)
        names = {
            "photo": "photo.png",
            "heat": f"{method}-{index}.png",
            "overlay": f"{method}-{index}-over.png",
        }
        for name, drawn in (
            ("photo", below),
            ("heat", above),
            ("overlay", drawing.laid_over(below, above)),
        ):
            drawn.save(folder / names[name])
        return {
            **names,
            "empty": not bool(share.any()),
            "gap": heat.gap,
            "sanity": {**asdict(checked), "trusted": checked.trusted},
            "seconds": seconds,
        }

    def _near(self, image: Any, digest: str, report: Any) -> dict[str, Any]:
        from tl_core.explain.neighbours import features_of, nearest

        features, limit = self._training(report)
        places = {row.digest: place for place, row in enumerate(self.train)}
        one = features_of(self.one.model, image)[0]
        found = nearest(one, features, limit=limit, n=NEAR, leave_out=places.get(digest))
        rows = [
            {
                "digest": self.train[row].digest,
                "path": self.train[row].path,
                "label": self.train[row].label,
                "distance": away,
            }
            for row, away in zip(found.rows, found.distances, strict=True)
        ]
        return {"rows": rows, "limit": limit, "none_near": found.none_near}

    def _training(self, report: Any) -> tuple[NDArray[np.float32], float]:
        """The training pictures' features, and the distance beyond which nothing is near."""
        from tl_core.explain.neighbours import far_from

        features = kept_features(self.home, self.one, "train", report).astype(np.float32)
        about = self.folder / f"train-v{VERSION}.json"
        if about.is_file():
            return features, float(read_json(about)["limit"])
        limit = far_from(features)
        write_json(about, {"limit": limit})
        return features, limit

    def _blocks(self, pixels: NDArray[np.uint8], image: Any, folder: Path) -> list[dict[str, Any]]:
        from tl_core.explain import drawing
        from tl_core.explain.blocks import block_maps

        rows = []
        for place, seen in enumerate(block_maps(self.base, self.groups, image)):
            name = f"block-{place}.png"
            drawn = drawing.laid_over(drawing.photo(pixels), drawing.coloured(seen.values), 0.8)
            drawn.save(folder / name)
            rows.append({"title": seen.title, "knows": seen.knows, "side": seen.side, "file": name})
        return rows


def _placed(body: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What is kept, with the files' names made into paths: a home may have been moved."""
    blocks = [{**one, "file": str(folder / one["file"])} for one in body["blocks"]]
    files = {name: str(folder / body[name]) for name in ("photo", "heat", "overlay")}
    return {**body, **files, "blocks": blocks}


def _below(one: Classifier) -> Any:
    """The network itself; of a deep probe the one it was made of, with a head that is not used."""
    from tl_core.models.build import build
    from tl_core.probe.deep import DeepProbe

    if not isinstance(one.model, DeepProbe):
        return one.model
    base = build(
        one.spec.model.name,
        n_classes=len(one.classes),
        weights="random",
        image_size=one.spec.train.image_size,
        channels=one.card.channels,
    )
    base.load_state_dict(one.model.network.state_dict(), strict=False)
    return base.eval()
