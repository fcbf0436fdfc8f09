//! Reports for people who decide: one self-contained HTML file each, without scripts and without anything from elsewhere, and the same in text.

pub mod audit;
mod chart;
pub mod dossier;
mod html;
