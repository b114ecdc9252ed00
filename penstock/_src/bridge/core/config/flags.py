"""`tensorflow.core.config.flags`: switches of the runtime; those that mean something here."""

from penstock._src.saving.saved_model.fingerprints import WRITTEN


class _Fingerprinting:
    """The setting for fingerprints of SavedModels."""

    def value(self) -> bool:
        """True if SavedModels get a fingerprint."""
        return WRITTEN.enabled

    def reset(self, value: bool) -> None:
        """Turns it on or off."""
        WRITTEN.enabled = value


class Flags:
    """The switches by name."""

    saved_model_fingerprinting = _Fingerprinting()


def config() -> Flags:
    """Returns the switches."""
    return Flags()
