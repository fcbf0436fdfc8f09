//! The only sender: HTTP, authentication, budgets, retries, redaction.
