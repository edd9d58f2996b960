"""Warnings that travel with a figure instead of silence."""

from enum import StrEnum


class Flag(StrEnum):
    SRM = "srm"  #: sample-ratio mismatch: the arms do not have the sizes that were drawn
    UNDERPOWERED = "underpowered"  #: the planned effect is smaller than what these arms can show
    FEW_CONTROL_BUYERS = "few_control_buyers"  #: under 30 non-zero amounts in the control
    OVERLAP = "overlap"  #: another campaign wrote to the same people within the window
    WINDOW_INCOMPLETE = "window_incomplete"  #: read before everybody's window was over
    NON_CAUSAL = "non_causal"  #: compared with something other than a random control
    RELATIVE_UNDETERMINED = "relative_undetermined"  #: the control may be zero: no sensible ratio
