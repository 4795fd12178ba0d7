"""The vote of the most alike pictures."""

from __future__ import annotations

import torch

from tl_core.advise.neighbours import neighbour_answers


def at(*degrees: float) -> torch.Tensor:
    angles = torch.deg2rad(torch.tensor(degrees))
    return torch.stack([angles.cos(), angles.sin()], 1)


def test_the_nearest_other_picture_answers_however_long_its_features() -> None:
    features = at(0, 10, 80, 90) * torch.tensor([[1.0], [50.0], [1.0], [9.0]])
    labels = torch.tensor([0, 0, 1, 1])
    assert neighbour_answers(features, labels, torch.arange(4), 1).tolist() == [0, 0, 1, 1]


def test_pictures_of_one_unit_do_not_vote_for_each_other() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    units = torch.tensor([0, 0, 1, 2])
    assert neighbour_answers(at(0, 1, 40, 90), labels, units, 1).tolist() == [1, 1, 0, 1]


def test_of_equally_many_votes_the_nearest_wins() -> None:
    # seen from 0 degrees: class 1 at 2 and 60, class 2 at 3 and 4, class 3 at 70
    labels = torch.tensor([0, 1, 2, 2, 1, 3])
    assert neighbour_answers(at(0, 2, 3, 4, 60, 70), labels, torch.arange(6), 5)[0] == 1


def test_nobody_to_ask_is_no_answer() -> None:
    answers = neighbour_answers(at(0, 5), torch.tensor([0, 0]), torch.tensor([0, 0]), 5)
    assert answers.tolist() == [-1, -1]
