"""Train the small backbones that come with Thaw: one command each, on a GPU or on a few CPU cores.

``python -m tools.pretrain NAME --data FOLDER`` trains a backbone of ``recipes.RECIPES`` on
Tiny-ImageNet-200 (parquet files in FOLDER) and keeps everything below ``out/pretrain/NAME``: the
decoded pictures, a log with a line per epoch, and a checkpoint after every epoch, from which the
same command goes on. ``--ship`` writes float16 weights and a card to assets/ in the end.
"""
