"""What tests and newcomers play against: sample fleet of recorded telemetry, mail sink, HOMEPOT's tables."""
