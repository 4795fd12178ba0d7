"""What is known of a classifier that was brought, and how it was checked."""

from __future__ import annotations

from tl_ui.texts.meanings import Meaning

__all__ = ["brought"]


def brought() -> Meaning:
    """The bundle's own score, its certificate, and what was checked here."""
    return Meaning(
        means={
            "Its score": "How many held-out pictures it answered rightly where it was made. It is "
            "the bundle's own word: the pictures are not in it, so nobody can count again here.",
            "Its certificate": "When it was exported, its files were asked the same pictures as "
            "the program that made it, and the answers were compared.",
        },
        computed={
            "Its certificate": "The SHA-256 of network, class names and reading of pictures are "
            "those that the certificate names. That finds damage and careless changes; who changes "
            "files on purpose can write a new certificate.",
            "Here": "Only files of known names were taken, each up to a limit. The network may "
            "hold standard operations without loops and nothing that lies outside its file, and "
            "it answered a grey picture in a process of its own before it was kept.",
        },
        changes="Judge it on your own pictures: bring some that you have labelled, train for a "
        "moment from its weights, and look at Evaluate.",
    )
