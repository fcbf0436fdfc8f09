//! Whole-product tests: real wire, real kills, real data.
