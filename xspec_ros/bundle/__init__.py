"""Model bundles: schema, hashes, load and save."""
