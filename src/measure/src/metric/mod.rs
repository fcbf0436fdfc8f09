//! The six metrics.

pub mod churn;
pub mod nps;
