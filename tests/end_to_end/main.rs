//! The whole daemon against a stateful org over real HTTP.

mod walk;
