"""Bring it up: the catalogue of deployments, bootstrap, the supervisor and the commands `up` and `run`."""
