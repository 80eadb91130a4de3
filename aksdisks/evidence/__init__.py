"""What a run proved: result, folder, report, redaction, seal and delivery."""
