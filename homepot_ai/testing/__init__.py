"""What tests and newcomers play against: a sample fleet of recorded telemetry, a mail sink, HOMEPOT's tables."""
