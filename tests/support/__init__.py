"""What several test folders share: a cluster with the extension, and peers that speak for the sidecar."""
