"""What a launch would do, before anything is changed."""

from orchestrator.services.forecast.page import forecast_markdown
from orchestrator.services.forecast.rehearsal import NotInAudienceError, forecast, rehearse_message
from orchestrator.services.forecast.results import Flaw, Forecast, WaveForecast

__all__ = [
    "Flaw",
    "Forecast",
    "NotInAudienceError",
    "WaveForecast",
    "forecast",
    "forecast_markdown",
    "rehearse_message",
]
