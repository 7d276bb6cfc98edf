"""Settings and names, without torch: `monge --help` must answer at once."""

from monge.config.schema import Config, DataConfig, ObserveConfig, TrainingConfig

__all__ = ["Config", "DataConfig", "ObserveConfig", "TrainingConfig"]
