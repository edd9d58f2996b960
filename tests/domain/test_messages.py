"""A message's states: which may follow, and which are final."""

from orchestrator.domain.messages import FINAL_STATES, FOLLOWERS, OPEN_STATES, MessageState


def test_every_state_says_what_may_follow() -> None:
    assert set(FOLLOWERS) == set(MessageState)


def test_a_final_state_is_left_only_when_late_news_tells_what_really_happened() -> None:
    left = {state for state in FINAL_STATES if FOLLOWERS[state]}

    assert left == {MessageState.UNRESOLVED, MessageState.REJECTED}


def test_every_open_state_can_come_to_an_end() -> None:
    for state in OPEN_STATES:
        seen, reached = {state}, set(FOLLOWERS[state])
        while reached - seen:
            seen |= reached
            reached = {follower for one in seen for follower in FOLLOWERS[one]}
        assert seen & FINAL_STATES


def test_an_unknown_message_is_never_simply_claimed_again() -> None:
    assert MessageState.CLAIMED not in FOLLOWERS[MessageState.UNKNOWN]
    assert MessageState.SENDING not in FOLLOWERS[MessageState.UNKNOWN]
