"""Side-by-side measurements of fallback-cast, its peers and the physical limit (docs/benchmarks.md)."""
