//! The numbers, pure: computed from handoff events alone.
