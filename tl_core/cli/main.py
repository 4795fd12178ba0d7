"""Reading the command line and turning errors into a sentence on stderr and exit code 2."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper

from sqlalchemy.exc import SQLAlchemyError

from tl_core import __version__
from tl_core.cli import (
    advising,
    choosing,
    commands,
    comparing,
    crossing,
    explaining,
    inspecting,
    judging,
    mapping,
    mending,
    predicting,
    rates,
    reporting,
    serving,
    worth,
)
from tl_core.config import HEAD_STARTS, RESIZE_MODES, SCHEDULES, STAGES, TrainConfig
from tl_core.errors import TLError
from tl_core.jobs.explaining import METHODS
from tl_core.worth.crossing import FOLDS

__all__ = ["build_parser", "main"]

DATA_HELP = (
    "a folder or zip of class folders, or one with train/, val/ and test/ inside; or a table of "
    "labels (CSV, TSV or Excel)"
)


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command; each command's function sits in its ``run`` default."""
    parser = argparse.ArgumentParser(
        prog="python -m tl_core", description="Thaw: transfer learning on your own pictures."
    )
    parser.add_argument("--version", action="version", version=f"Thaw {__version__}")
    adder = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    inspect = _command(adder, "inspect", "say what is in a picture set", inspecting.inspect)
    _data(inspect)
    inspect.add_argument(
        "--no-check",
        dest="check",
        action="store_false",
        help="only count: do not look for copies, wrong labels, shortcuts and odd pictures",
    )

    layers = _command(adder, "choose-layers", "find out which layers to train", choosing.choose)
    _data(layers)
    layers.add_argument("--model", metavar="NAME", help="default: the embedded backbone")
    layers.add_argument(
        "--layers",
        metavar="A,B",
        help="choices to compare, the cheapest first; default: exact-head, deep-probe, last:1, "
        "last:2 and all, and first:1 where the pictures look different from the network's own",
    )
    layers.add_argument(
        "--at-once",
        action="store_true",
        help="compare only what is solved and not trained (exact-head, deep-probe): seconds",
    )
    layers.add_argument(
        "--exhaustive", action="store_true", help="train every choice on every part"
    )
    layers.add_argument("--seed", type=int, default=0, metavar="S")

    advise = _command(adder, "advise", "say which network to start from", advising.advise)
    _data(advise)
    advise.add_argument(
        "--models", metavar="A,B", help="networks to measure; default: all whose weights are here"
    )

    curve = _command(
        adder, "learning-curve", "say whether more pictures would help", worth.learning_curve
    )
    _data(curve)
    curve.add_argument("--model", metavar="NAME", help="default: the embedded backbone")

    control = _command(
        adder, "control", "say whether transfer helps, against training from scratch", worth.control
    )
    _data(control)
    control.add_argument("--model", metavar="NAME", help="default: the embedded backbone")

    train = _command(adder, "train", "train a classifier", commands.train)
    _data(train)
    _train_options(train)

    find = _command(adder, "lr-find", "look for a learning rate on your pictures", rates.lr_find)
    _data(find)
    _network_options(find)
    find.set_defaults(stages="off", epochs=None, lr="auto", schedule="one-cycle", patience=0)

    resume = _command(adder, "resume", "go on with an interrupted run", commands.resume)
    resume.add_argument("run_id", metavar="RUN_ID")

    _command(adder, "runs", "list the training runs", commands.runs)

    evaluate = _command(adder, "evaluate", "judge a finished run", judging.evaluate)
    evaluate.add_argument("run_id", metavar="RUN_ID")
    evaluate.add_argument("--split", choices=("test", "val"), help="default: test if there is one")
    evaluate.add_argument("--class", dest="label", metavar="NAME", help="where to draw its line")
    evaluate.add_argument(
        "--miss", type=float, default=1.0, metavar="N", help="a miss is worth N false alarms"
    )
    evaluate.add_argument(
        "--sets", type=float, metavar="SHARE", help="sets that hold the truth so often, e.g. 0.9"
    )
    evaluate.add_argument(
        "--confidence", choices=("corrected", "as-trained"), help="how sure it is from now on"
    )
    evaluate.add_argument(
        "--csv", metavar="FILE", help="also write what it answered of every picture, as a table"
    )
    evaluate.add_argument(
        "--again", action="store_true", help="let its network answer anew; for runs of before"
    )

    cross = _command(
        adder,
        "cross-validate",
        "judge a run's settings on all its pictures, part by part",
        crossing.cross_validate,
    )
    cross.add_argument("run_id", metavar="RUN")
    cross.add_argument("--folds", type=int, default=FOLDS, metavar="N", help="parts (5)")
    cross.add_argument("--repeats", type=int, default=1, metavar="N", help="divisions (1)")

    compare = _command(
        adder, "compare", "hold runs against each other on the same pictures", comparing.compare
    )
    compare.add_argument("run_ids", metavar="RUN", nargs="+", help="two to six runs")
    compare.add_argument(
        "--split", choices=("val", "test"), default="val", help="pictures to judge by"
    )
    compare.add_argument(
        "--against", metavar="RUN", help="hold the others against this one; default: the best"
    )

    mend = _command(
        adder, "mend", "change labels by a table and train again from a run", mending.mend
    )
    mend.add_argument("run_id", metavar="RUN_ID")
    mend.add_argument(
        "table",
        metavar="TABLE",
        help="CSV, TSV or Excel with the columns file and class; - as the class leaves it out",
    )
    mend.add_argument(
        "--only-change", action="store_true", help="change the set, and do not train on it"
    )

    export = _command(adder, "export", "write the bundle to take away", commands.export)
    export.add_argument("run_id", metavar="RUN_ID")
    export.add_argument("--out", metavar="DIR", required=True, help="the folder to write")
    export.add_argument(
        "--int8", action="store_true", help="also in 8-bit numbers, with what that loses, measured"
    )
    export.add_argument(
        "--torch-export", action="store_true", help="also as a program of torch.export (model.pt2)"
    )
    export.add_argument(
        "--timm", action="store_true", help="also as a folder that timm and the hub open"
    )

    report = _command(adder, "report", "write a report for colleagues", reporting.report)
    report.add_argument("run_id", metavar="RUN")
    report.add_argument("--out", metavar="FILE", required=True, help="the HTML file to write")
    report.add_argument(
        "--no-pictures",
        dest="pictures",
        action="store_false",
        help="leave out every picture, and the names of files, cameras and groups",
    )
    report.add_argument("--class", dest="label", metavar="NAME", help="tell its line too")
    report.add_argument(
        "--miss", type=float, default=1.0, metavar="N", help="a miss is worth N false alarms"
    )

    predict = _command(adder, "predict", "classify pictures", predicting.predict)
    predict.add_argument(
        "source", metavar="BUNDLE_OR_RUN", help="a bundle's folder or zip, or a run"
    )
    predict.add_argument("paths", metavar="PATH", nargs="+", help="pictures or folders")
    predict.add_argument("--csv", metavar="FILE", help="also write the answers as a table")
    predict.add_argument("--xlsx", metavar="FILE", help="also as an Excel workbook with thumbnails")
    predict.add_argument(
        "--none", action="store_true", help="say “none of these”, and whether pictures differ"
    )

    reasons = _command(adder, "explain", "show why a run answered so", explaining.explain)
    reasons.add_argument("run_id", metavar="RUN_ID")
    reasons.add_argument("paths", metavar="PICTURE", nargs="+", help="pictures or folders")
    reasons.add_argument("--out", metavar="DIR", required=True, help="where the maps are written")
    reasons.add_argument("--method", choices=METHODS, default="gradcam", help="default: gradcam")
    reasons.add_argument("--target", metavar="CLASS", help="default: the class answered")

    drawn = _command(adder, "map", "lay a run's pictures out flat", mapping.map_pictures)
    drawn.add_argument("run_id", metavar="RUN_ID")
    drawn.add_argument("--csv", metavar="FILE", help="also write every picture's place")

    serve = _command(adder, "serve", "answer requests with a bundle", serving.serve)
    _serve_options(serve)
    return parser


def _command(
    adder: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = adder.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--home", metavar="DIR", help="default: $THAW_HOME or ~/.thaw")
    parser.set_defaults(run=run)
    return parser


def _serve_options(serve: argparse.ArgumentParser) -> None:
    add = serve.add_argument
    add("bundle", metavar="BUNDLE", help="a bundle's folder or zip")
    add("--host", default="127.0.0.1", help="default: this machine only")
    add("--port", type=int, default=8000, metavar="N", help="default: 8000")
    add("--name", help="what it calls itself; default: the bundle's name")
    add("--megabytes", type=float, default=40.0, metavar="N", help="of one request (40)")
    add("--pictures", type=int, default=16, metavar="N", help="of one request (16)")
    add("--per-minute", type=int, default=600, metavar="N", help="requests of one caller (600)")


def _data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", help=DATA_HELP)
    parser.add_argument(
        "--pictures",
        metavar="DIR",
        help="the folder or archive that the table's files are in; default: the table's own folder",
    )


def _train_options(train: argparse.ArgumentParser) -> None:
    add = train.add_argument
    add("--epochs", type=int, metavar="E", help="default: chosen from the number of pictures")
    add("--lr", default="auto", metavar="X", help="learning rate of the head, or auto")
    add("--schedule", choices=SCHEDULES, default="one-cycle", help="course of the learning rate")
    add(
        "--stages",
        choices=STAGES,
        default="off",
        help="for last:N and all: the head first, then one block more at a time; ask before each, "
        "go on while it helps (auto), or all the way (gradual)",
    )
    add("--patience", type=int, default=0, metavar="N", help="stop after N epochs without gain")
    _network_options(train)


def _network_options(parser: argparse.ArgumentParser) -> None:
    """All that shapes a step: network, layers, batch, and what the network is shown."""
    add, usual = parser.add_argument, TrainConfig()
    add("--model", metavar="NAME", help="default: the embedded backbone")
    add(
        "--weights",
        metavar="FILE",
        help="your own weights (safetensors or a plain checkpoint), or a bundle to go on from",
    )
    add(
        "--layers",
        default="head",
        metavar="WHICH",
        help="what learns: head, last:N, first:N, all, scratch or custom:0,2,...; or a head solved "
        "at once: deep-probe (from every block) or exact-head (from the last); train also knows "
        "auto (the better of these two on your pictures, found in seconds) and race (the usual "
        "choices compared, in minutes) (default: head)",
    )
    add("--backbone-lr", type=float, default=usual.backbone_lr, metavar="X",
        help="rate of the last open block, as a part of the head's")  # fmt: skip
    add("--block-decay", type=float, default=usual.block_decay, metavar="X",
        help="each block before it learns at this part of the next one's rate")  # fmt: skip
    add("--block-rates", default="", metavar="N:X,...",
        help="blocks with a rate of their own, as a part of the head's: 3:0.05,4:0.2")  # fmt: skip
    add("--batch-size", type=int, metavar="N", help="default: chosen from the number of pictures")
    add("--image-size", type=int, metavar="PX", help="default: the model's own")
    add("--channels", type=int, metavar="N", help="1 = grey; default: as the pictures")
    add(
        "--resize",
        choices=RESIZE_MODES,
        default=usual.resize,
        help="how pictures become square",
    )
    add("--weight-decay", type=float, default=0.01, metavar="X")
    add("--dropout", type=float, default=0.0, metavar="X")
    add("--label-smoothing", type=float, default=0.0, metavar="X")
    add("--head-start", choices=HEAD_STARTS, default="exact", help="where a new head begins")
    add("--views", type=int, metavar="K", help="versions of every picture; default: chosen")
    add("--no-cache", action="store_true", help="compute the frozen blocks anew every epoch")
    add("--mixup", type=float, default=0.0, metavar="A", help="blend pictures and labels: 0 is off")
    add("--feature-noise", type=float, default=0.0, metavar="X", help="noise after frozen blocks")
    add("--feature-brightness", type=float, default=0.0, metavar="X", help="a shift per picture")
    add("--no-augment", action="store_true", help="leave training pictures unchanged")
    add("--seed", type=int, default=0, metavar="S")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 2 with a sentence on stderr on a foreseen error."""
    options = build_parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a pipe on Windows is not UTF-8 by itself
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        code: int = options.run(options)
        return code
    except TLError as err:
        print(f"thaw: {err.message}", file=sys.stderr)
        if err.hint:
            print(f"      {err.hint}", file=sys.stderr)
        return 2
    except SQLAlchemyError as err:
        print(f"thaw: the store cannot be used ({type(err).__name__}: {err}).", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("thaw: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as err:
        print(f"thaw: {err.filename or 'a file'}: {err.strerror or err}.", file=sys.stderr)
        return 2
