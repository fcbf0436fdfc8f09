//! The `handoffd` command.
fn main() {}
