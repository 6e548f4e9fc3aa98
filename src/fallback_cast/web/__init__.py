"""HTTP in: webhooks, the interface for programs, and what tells that we live (design §11)."""
