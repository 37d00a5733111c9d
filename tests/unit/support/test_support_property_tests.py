from hypothesis import settings


def test_no_property_test_fails_for_being_slow_and_each_can_be_repeated() -> None:
    assert settings().deadline is None
    assert settings().print_blob
