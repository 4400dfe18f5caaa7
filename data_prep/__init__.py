"""One command a data set: raw recordings -> TFRecord in the TFDS layout."""
