"""The real servers that the tests run against, and the faulty ones that no real server can play."""
