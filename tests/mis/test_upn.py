"""The check letter of UPNs, permanent and temporary."""

import pytest

from attendance_pipeline.mis.upn import check_letter, is_upn


@pytest.mark.parametrize(
    ("text", "good", "why"),
    [
        ("P207000016049", True, "2x2 + 4x7 + 9x1 + 10x6 + 12x4 + 13x9 = 266; 266 - 11x23 = 13, which is P"),
        ("B801200005001", True, "the example of the python-stdnum library"),
        ("A801200005001", False, "another check letter"),
        ("P20700001604", False, "a character too few"),
        ("P2070000160490", False, "a character too many"),
        ("p207000016049", False, "a small letter: readers make it large first"),
        ("P2070O0016049", False, "the letter O for a nought"),
        ("I207000016049", False, "I is no check letter"),
        ("P20700001604I", False, "I ends no temporary UPN"),
        ("", False, "nothing"),
        ("P２07000016049", False, "a digit of another script"),
    ],
)
def test_upns(text, good, why):
    assert is_upn(text) is good, why


def test_a_temporary_upn_counts_its_last_letter_by_its_place():
    # 11 digits of nought: only the last character, of weight 13, counts. A is 0, B is 1: 13 -> P.
    assert check_letter("00000000000A") == "A"
    assert check_letter("00000000000B") == "P"
    assert check_letter("000000000001") == "P"
    assert is_upn("P00000000000B")


def test_one_wrong_digit_is_always_found():
    right = "207000016049"
    for place in range(12):
        for digit in "0123456789":
            wrong = right[:place] + digit + right[place + 1 :]
            assert is_upn("P" + wrong) is (wrong == right)
