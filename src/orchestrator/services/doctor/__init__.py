"""Find what is stuck, late or does not add up."""

from orchestrator.services.doctor.complaints import Severity
from orchestrator.services.doctor.examination import Finding, doctor

__all__ = ["Finding", "Severity", "doctor"]
