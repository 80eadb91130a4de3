"""Why is this pod stuck: one cause for each object, from what both sides say; pure rules over an inventory."""

from aksdisks.inspection.diagnosis.engine import diagnose
from aksdisks.inspection.diagnosis.findings import Diagnosis, Evidence, Finding, ObjectRef, RuledOut, Step, Unseen

__all__ = ["Diagnosis", "Evidence", "Finding", "ObjectRef", "RuledOut", "Step", "Unseen", "diagnose"]
