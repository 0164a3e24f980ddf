"""Pods: other fleets, customers or domains on the same host."""
