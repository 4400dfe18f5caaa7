"""A converted set looked over before training."""
