"""``python -m tools.pretrain NAME --data FOLDER [--hours H] [--ship]``: see the package."""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from tl_core.models.catalog import ASSETS
from tl_core.storage import file_digest, read_json, write_json
from tools.pretrain.loop import Trainer, judged, recalibrated
from tools.pretrain.pictures import Pictures, opened
from tools.pretrain.recipes import RECIPES, Recipe, within
from tools.pretrain.shipping import card, half_precision, write_card, write_weights

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "out" / "pretrain"
TRIED_AT_ONCE = 16  # pictures; enough to tell whether a processor computes in bfloat16 itself


def main() -> None:
    """Train or go on, judge, and write what ships when it is asked for."""
    args = _parsed()
    device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    out = args.out / args.name
    out.mkdir(parents=True, exist_ok=True)
    train, valid = (
        opened(args.data, part, args.out / "pictures", most=args.pictures)
        for part in ("train", "valid")
    )
    checkpoint, plan, log = out / "checkpoint.pt", out / "plan.json", out / "log.jsonl"
    if plan.is_file():
        told = read_json(plan)
        recipe, seed = Recipe.from_dict(told["recipe"]), int(told["seed"])
        dtype = getattr(torch, told["dtype"])
        trainer = Trainer(recipe, train, valid, device, seed, dtype=dtype)
        if checkpoint.is_file():
            trainer.load(checkpoint)
        elif told["begun_from"]:  # ended before its first epoch was whole
            trainer.begin(_weights(args.begin))
        print(f"going on after epoch {trainer.done} of {recipe.epochs}", flush=True)
    else:
        recipe, seed = RECIPES[args.name], args.seed
        dtype = _dtype(recipe, train, valid, device, seed)
        trainer = Trainer(recipe, train, valid, device, seed, dtype=dtype)
        if args.hours:
            costs = [trainer.seconds_an_epoch(phase) for phase in recipe.phases]
            print("seconds an epoch: " + ", ".join(f"{one:.0f}" for one in costs), flush=True)
            recipe = within(recipe, costs, args.hours * 3600)
            trainer = Trainer(recipe, train, valid, device, seed, dtype=dtype)
        if args.begin:
            trainer.begin(_weights(args.begin))
        write_json(
            plan,
            {
                "recipe": recipe.to_dict(),
                "seed": seed,
                "dtype": str(dtype).removeprefix("torch."),
                "begun_from": file_digest(args.begin) if args.begin else None,
            },
        )
    for epoch in trainer.epochs():
        line = json.dumps(asdict(epoch))
        with log.open("a", encoding="utf-8") as stream:  # a kill before the next line: twice
            stream.write(line + "\n")
        trainer.save(checkpoint)
        print(line, flush=True)
        if args.until and time.time() > args.until:
            print("out of time: the same command goes on from here", flush=True)
            return
    _finish(args, recipe, trainer, out, seed)


def _finish(
    args: argparse.Namespace, recipe: Recipe, trainer: Trainer, out: Path, seed: int
) -> None:
    """Statistics anew, judged as shipped, and written."""
    size = args.input_px
    network = recalibrated(trainer.average, trainer.train, size, trainer.device)
    half_precision(network)
    accuracies = {
        one: judged(network, trainer.valid, one, trainer.device)
        for one in sorted({*recipe.judged, size})
    }
    log = [json.loads(one) for one in (out / "log.jsonl").read_text("utf-8").splitlines()]
    hours = sum({one["epoch"]: one["seconds"] for one in log}.values()) / 3600
    where = torch.cuda.get_device_name() if trainer.device.type == "cuda" else _cpu()
    name = f"{recipe.model}_tiny_imagenet"
    text = card(
        recipe,
        network,
        file=f"{name}.safetensors",
        accuracies=accuracies,
        n_valid=len(trainer.valid),
        n_train=len(trainer.train),
        seed=seed,
        compute=f"{hours:.1f} hours on {where}",
        begun_from=read_json(out / "plan.json")["begun_from"],
    )
    folder = ASSETS / "backbones" if args.ship else out
    size_bytes = write_weights(network, folder / f"{name}.safetensors")
    write_card(text, folder / f"{name}.md")
    print(f"{text}\nwritten to {folder}: {size_bytes / 1e6:.1f} MB")


def _dtype(
    recipe: Recipe, train: Pictures, valid: Pictures, device: torch.device, seed: int
) -> torch.dtype:
    """The faster one: processors without instructions for bfloat16 take far longer with it."""
    if device.type == "cuda":
        return torch.bfloat16
    small = replace(recipe, batch=min(recipe.batch, TRIED_AT_ONCE))
    times = {
        dtype: Trainer(small, train, valid, device, seed, dtype=dtype).seconds_an_epoch(
            recipe.phases[0]
        )
        for dtype in (torch.float32, torch.bfloat16)
    }
    return min(times, key=times.__getitem__)


def _weights(path: Path) -> dict[str, torch.Tensor]:
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in load_file(path).items()
    }


def _cpu() -> str:
    return f"{torch.get_num_threads()} threads of a CPU ({platform.machine()})"


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.pretrain", description=__doc__)
    parser.add_argument("name", choices=tuple(RECIPES))
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--begin", type=Path, help="weights to go on from (safetensors)")
    parser.add_argument("--out", type=Path, default=OUT, help="pictures, logs, checkpoints")
    parser.add_argument("--hours", type=float, help="shorten the recipe to what fits here")
    parser.add_argument("--until", type=float, help="Unix time after which no epoch is begun")
    parser.add_argument("--pictures", type=int, default=0, help="a part of the set, to try it")
    parser.add_argument("--input-px", type=int, default=128, help="size of use, for statistics")
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ship", action="store_true", help="write to assets/ in the end")
    return parser.parse_args()


if __name__ == "__main__":
    main()
