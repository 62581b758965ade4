"""Pictures → the one face that can be read in each, upright and cut out, or why there is none."""

from emotion.ml.faces.choosing import ChoiceConfig, choose
from emotion.ml.faces.finding import Cascade, CascadeConfig, Face
from emotion.ml.faces.following import Follower, Look
from emotion.ml.faces.levelling import cut_level

__all__ = ["Cascade", "CascadeConfig", "ChoiceConfig", "Face", "Follower", "Look", "choose", "cut_level"]
