"""Names of devices."""

import pytest

from penstock._src.util.device_spec import DeviceSpec


@pytest.mark.parametrize(
    "name, full",
    [
        ("/gpu:1", "/device:GPU:1"),
        ("/job:a/device:Own:2", "/job:a/device:Own:2"),
        ("/cpu:*", "/device:CPU:*"),
    ],
)
def test_only_common_types_are_put_in_upper_case(name, full):
    assert DeviceSpec.from_string(name).to_string() == full


def test_no_name_has_no_parts():
    assert DeviceSpec.from_string(None) == DeviceSpec()


def test_a_device_has_one_type():
    with pytest.raises(ValueError, match="Multiple device types"):
        DeviceSpec.from_string("/cpu:0/device:GPU:2")


def test_a_spec_shows_all_of_its_parts():
    parts = "job=a, replica=None, task=3, device_type=None, device_index=None"
    assert repr(DeviceSpec(job="a", task=3)) == f"<DeviceSpec({parts})>"
