"""What a lab sends is what a page reads."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monge.app.lab.message import packed, unpacked

ARRAYS = arrays(np.float32, st.tuples(st.integers(0, 3), st.integers(0, 3)))


@given(
    st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=4),
    st.dictionaries(
        st.text(min_size=1), arrays(np.float32, st.tuples(st.integers(0, 3), st.integers(0, 3))), max_size=3
    ),
)
def test_messages(header: dict[str, Any], numbers: dict[str, Any]) -> None:
    """What is packed is unpacked, and numbers begin where a page may read them."""
    header = {name: value for name, value in header.items() if name != "arrays"}
    message = packed(header, numbers)
    found, read = unpacked(message)
    assert found == header
    assert {name: values.tobytes() for name, values in read.items()} == {
        name: values.tobytes() for name, values in numbers.items()
    }
    assert int.from_bytes(message[4:8], "little") % 4 == 0
