"""What a launch would do, before anything is changed."""

from orchestrator.services.forecast.page import forecast_markdown
from orchestrator.services.forecast.rehearsal import forecast
from orchestrator.services.forecast.results import Forecast, WaveForecast

__all__ = ["Forecast", "WaveForecast", "forecast", "forecast_markdown"]
