"""What several channels share: settings base, HTTP, probes, markup, wording."""
