"""What is known about skeletons: joints and bones, benchmarks, normalisation, raw formats."""
